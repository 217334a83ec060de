package agent

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/declared"
)

// Bounds of looking for who declared what: answers that are kept, questions
// that wait, repositories that are asked at once, and questions per second.
// What is over them is asked again when the application is looked at next.
const (
	keptAnswers   = 20_000
	maxWaiting    = 2_000
	askedAtOnce   = 4
	askedPerSec   = 20
	firstRetry    = time.Minute
	lastRetry     = time.Hour
	answersSettle = 500 * time.Millisecond
)

// Declarations finds out, in the background, where Git declares values that
// differ and who touched that last. Questions about one repository take turns.
// It implements reconcile.Declarations and manager.Runnable.
type Declarations struct {
	History declared.History
	// Wake has an application looked at again after a while.
	Wake func(who types.NamespacedName, after time.Duration)
	Now  func() time.Time
	Log  logr.Logger

	once   sync.Once
	asking *rate.Limiter
	slots  chan struct{}
	known  *lru.Cache // ids to answers

	mu      sync.Mutex
	waiting map[string]*asking   // by id
	queues  map[string][]*asking // by repository; there is one while somebody works on it
	ctx     context.Context      //nolint:containedctx // that of Start; nil before
	working sync.WaitGroup
}

var _ reconcile.Declarations = (*Declarations)(nil)

// asking is a question without an answer yet.
type asking struct {
	id       string
	question declared.Question
	who      map[types.NamespacedName]bool
	failures int
}

// answer is what is known, and when to ask again if that is not all.
type answer struct {
	declaration *drift.Declaration
	failures    int
	again       time.Time
}

func (d *Declarations) setUp() {
	d.once.Do(func() {
		d.asking = rate.NewLimiter(askedPerSec, askedPerSec)
		d.slots = make(chan struct{}, askedAtOnce)
		d.known = lru.New(keptAnswers)
		d.waiting, d.queues = map[string]*asking{}, map[string][]*asking{}
	})
}

// Known implements reconcile.Declarations.
func (d *Declarations) Known(app types.NamespacedName, all []declared.Question) []*drift.Declaration {
	d.setUp()
	out := make([]*drift.Declaration, len(all))
	for i, q := range all {
		id := q.ID()
		known, ok := d.known.Get(id)
		next := &asking{id: id, question: q, who: map[types.NamespacedName]bool{app: true}}
		if ok {
			a := known.(answer)
			out[i], next.failures = a.declaration, a.failures
			if a.again.IsZero() || d.Now().Before(a.again) {
				continue
			}
		}
		d.ask(app, next)
	}
	return out
}

// ask puts a question into its queue, unless it is in there.
func (d *Declarations) ask(app types.NamespacedName, next *asking) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w, ok := d.waiting[next.id]; ok {
		w.who[app] = true
		return
	}
	if len(d.waiting) >= maxWaiting {
		return
	}
	d.waiting[next.id] = next
	repository := next.question.Repository()
	queue, worked := d.queues[repository]
	d.queues[repository] = append(queue, next)
	if !worked {
		d.work(repository)
	}
}

// work answers the questions about a repository until there are none. It is
// called with mu held.
func (d *Declarations) work(repository string) {
	if d.ctx == nil || d.ctx.Err() != nil {
		return
	}
	ctx := d.ctx
	d.working.Go(func() {
		for next := d.next(repository); next != nil; next = d.next(repository) {
			if !d.find(ctx, next) {
				return
			}
		}
	})
}

func (d *Declarations) next(repository string) *asking {
	d.mu.Lock()
	defer d.mu.Unlock()
	queue := d.queues[repository]
	if len(queue) == 0 {
		delete(d.queues, repository)
		return nil
	}
	d.queues[repository] = queue[1:]
	return queue[0]
}

// find answers one question; false means that the agent stops.
func (d *Declarations) find(ctx context.Context, w *asking) bool {
	if d.asking.Wait(ctx) != nil {
		return false
	}
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	found, err := w.question.Answer(ctx, d.History)
	<-d.slots
	if ctx.Err() != nil {
		return false
	}
	a := answer{declaration: found}
	wait := answersSettle
	if err != nil {
		d.Log.Info("it is not known who declared a value", "error", w.question.Why(err).Error())
		if !declared.Final(err) {
			a.failures = w.failures + 1
			wait = min(firstRetry<<min(w.failures, 10), lastRetry) //nolint:mnd // more is more than the last
			a.again = d.Now().Add(wait)
		}
	}
	d.known.Add(w.id, a)
	d.mu.Lock()
	delete(d.waiting, w.id)
	d.mu.Unlock()
	for who := range w.who { // nobody adds to it any more
		if found != nil {
			d.Wake(who, answersSettle)
		}
		if wait > answersSettle {
			d.Wake(who, wait)
		}
	}
	return true
}

// Start implements manager.Runnable: it answers questions until the context
// ends.
func (d *Declarations) Start(ctx context.Context) error {
	d.setUp()
	d.mu.Lock()
	d.ctx = ctx
	for repository := range d.queues {
		d.work(repository)
	}
	d.mu.Unlock()
	<-ctx.Done()
	d.mu.Lock()   // whoever is about to begin sees that it is over
	d.mu.Unlock() //nolint:staticcheck // see above
	d.working.Wait()
	return nil
}
