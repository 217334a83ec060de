package post

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Options of a Poster; zero values mean the defaults.
type Options struct {
	Clock Clock
	// Pace is shared by those who write with one account; nil is one of its own.
	Pace *Pace
	// Tries bounds the attempts of one writing; 5.
	Tries int
	// Patience bounds what all waits of one writing take together; 5 minutes. A
	// forge that asks for more gets an error, which says when to come back.
	Patience time.Duration
}

// Poster writes to the pull requests of one repository. It is safe for
// concurrent use.
type Poster struct {
	options Options

	mu     sync.Mutex
	lanes  map[lane]*queue
	opened Repository
}

// lane is what is written in turn.
type lane struct {
	pull int64
	// context is of a status, marker of a comment.
	context, marker string
}

// queue lets one writer pass at a time.
type queue struct {
	turn chan struct{} // holds one while nobody writes
	last int           // number of the last one that came
	// there are those who write or wait; who gives up leaves the others in.
	there map[int]bool
	// written is the newest that was written.
	written int
}

// NewPoster makes a Poster.
func NewPoster(r Repository, o Options) *Poster {
	if o.Clock.Now == nil || o.Clock.Wait == nil {
		o.Clock = RealClock()
	}
	if o.Pace == nil {
		o.Pace = NewPace(o.Clock)
	}
	if o.Tries <= 0 {
		o.Tries = 5
	}
	if o.Patience <= 0 {
		o.Patience = 5 * time.Minute
	}
	return &Poster{opened: r, options: o, lanes: map[lane]*queue{}}
}

// Renew replaces the repository by the same one, opened again: credentials may
// end. What is under way goes on with the old one.
func (p *Poster) Renew(r Repository) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = r
}

func (p *Poster) repository() Repository {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Comment writes the comment of a pull request. The body begins with the
// marker. What fails for a while is tried again.
func (p *Poster) Comment(ctx context.Context, pull int64, body string) (Outcome, error) {
	r := p.repository()
	body = Body(body, r.Traits(ctx))
	s := sticky{paced{r.Comments, p.options.Pace}, r.Accounts}
	var out Outcome
	done, err := p.inTurn(ctx, lane{pull: pull, marker: markerOf(body)}, func() (err error) {
		out, err = s.write(ctx, pull, body)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("comment on the pull request %d: %w", pull, err)
	}
	if !done {
		return Superseded, nil
	}
	return out, nil
}

// Status sets our status of a pull request's head.
func (p *Poster) Status(ctx context.Context, pull int64, commit string, s Status) (Outcome, error) {
	if s.Context == "" {
		s.Context = Context
	}
	done, err := p.inTurn(ctx, lane{pull: pull, context: s.Context}, func() error {
		if err := p.options.Pace.Wait(ctx); err != nil {
			return err
		}
		return p.repository().Statuses.SetStatus(ctx, pull, commit, s)
	})
	if err != nil {
		return "", fmt.Errorf("set the status %s of %.7s: %w", s.Context, commit, err)
	}
	if !done {
		return Superseded, nil
	}
	return Edited, nil
}

// inTurn waits for the turn of a lane and writes. It tells false, having
// written nothing, where a newer one came meanwhile.
func (p *Poster) inTurn(ctx context.Context, l lane, write func() error) (bool, error) {
	q, mine := p.join(l)
	defer p.leave(l, q, mine)
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-q.turn:
	}
	defer func() { q.turn <- struct{}{} }()
	waited, pause := time.Duration(0), time.Second
	for try := 1; ; try++ {
		if p.overtaken(q, mine) {
			return false, nil
		}
		err := write()
		if err == nil {
			p.wrote(q, mine)
		}
		if err == nil || !fault.Retryable(err) || ctx.Err() != nil || try >= p.options.Tries {
			return err == nil, err
		}
		wait := pause
		if at, ok := fault.NotBefore(err); ok {
			wait = max(at.Sub(p.options.Clock.Now()), 0)
		}
		if waited += wait; waited > p.options.Patience {
			return false, err
		}
		pause *= 2
		if stopped := p.options.Clock.Wait(ctx, wait); stopped != nil {
			return false, errors.Join(err, stopped)
		}
	}
}

func (p *Poster) join(l lane) (*queue, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.lanes[l]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1), there: map[int]bool{}}
		q.turn <- struct{}{}
		p.lanes[l] = q
	}
	q.last++
	q.there[q.last] = true
	return q, q.last
}

func (p *Poster) leave(l lane, q *queue, mine int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(q.there, mine); len(q.there) == 0 {
		delete(p.lanes, l)
	}
}

func (p *Poster) wrote(q *queue, mine int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.written = max(q.written, mine)
}

// overtaken tells whether a newer one was written, or waits.
func (p *Poster) overtaken(q *queue, mine int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range q.there {
		if other > mine {
			return true
		}
	}
	return q.written > mine
}

// paced waits before each writing.
type paced struct {
	Comments
	pace *Pace
}

// Create implements Comments.
func (p paced) Create(ctx context.Context, pull int64, body string) (string, error) {
	if err := p.pace.Wait(ctx); err != nil {
		return "", err
	}
	return p.Comments.Create(ctx, pull, body)
}

// Edit implements Comments.
func (p paced) Edit(ctx context.Context, pull int64, id, body string) error {
	if err := p.pace.Wait(ctx); err != nil {
		return err
	}
	return p.Comments.Edit(ctx, pull, id, body)
}
