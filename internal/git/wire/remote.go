package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Remote is one repository on a server. It may be used by several goroutines.
type Remote struct {
	at     *transport.Endpoint
	tokens *Tokens

	// after is time.AfterFunc, or what a test has in its place.
	after func(time.Duration, func()) timer

	mu sync.Mutex
	// http and known are what the last conversation over HTTP left, idle is
	// what the last one over SSH did.
	http  httpClient
	known *greeted
	idle  *sshConnection
}

// timer is the part of a time.Timer that is used.
type timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

// New returns the repository at an endpoint over http, https or ssh. It keeps
// a connection for a while; Close closes it.
func New(at *transport.Endpoint, tokens *Tokens) *Remote {
	return &Remote{at: at, tokens: tokens, after: func(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }}
}

// Close closes the connection that waits for the next conversation. The Remote
// stays usable.
func (r *Remote) Close() {
	r.mu.Lock()
	idle := r.idle
	r.idle = nil
	r.http.close()
	r.mu.Unlock()
	idle.close()
}

// conversation is one with git-upload-pack.
type conversation interface {
	// greet returns what the server says first.
	greet(ctx context.Context) (*advert, error)
	// ask sends a request and returns the answer.
	ask(ctx context.Context, request string) (io.ReadCloser, error)
	// end is called once, with whether all was said that was to be.
	end(whole bool)
}

func (r *Remote) converse(ctx context.Context, auth Auth, w *watch) (conversation, error) {
	if r.at.Protocol == "ssh" {
		return r.overSSH(ctx, auth, w, uploadPack)
	}
	return r.overHTTP(ctx, auth, w)
}

// Refs lists the refs whose names begin with one of the prefixes; more than
// these where the server can only list all.
func (r *Remote) Refs(ctx context.Context, auth Auth, prefixes []string) ([]Ref, error) {
	var refs []Ref
	err := r.talk(ctx, auth, func(ctx context.Context, c conversation, a *advert) error {
		if !a.version2 {
			refs = a.refs
			return nil
		}
		answer, err := c.ask(ctx, listRefs(prefixes))
		if err != nil {
			return err
		}
		refs, err = readListed(answer)
		return errors.Join(err, answer.Close())
	})
	return refs, err
}

// Fetch asks for a pack and gives it to take.
func (r *Remote) Fetch(ctx context.Context, auth Auth, w Wanted, take func(io.Reader) error) error {
	return r.talk(ctx, auth, func(ctx context.Context, c conversation, a *advert) error {
		request := fetch2
		if !a.version2 {
			if request = fetch0; !a.gives(w.Want) && len(a.branches()) == 0 {
				return errEmpty()
			}
		}
		return exchange(ctx, c, a, request(a, w), func(pack io.Reader, _ []plumbing.Hash) error { return take(pack) })
	})
}

func errEmpty() error { return fault.New(fault.Missing, "the repository is empty") }

// exchange sends a request and gives take the pack, and the commits whose
// parents were left out.
func exchange(ctx context.Context, c conversation, a *advert, request string, take func(io.Reader, []plumbing.Hash) error) error {
	answer, err := c.ask(ctx, request)
	if err != nil {
		return err
	}
	defer answer.Close() //nolint:errcheck // what is wrong with it was found while reading
	var pack io.Reader
	var cut []plumbing.Hash
	if a.version2 {
		pack, cut, err = answer2(answer)
	} else {
		pack, cut, err = answer0(a, answer)
	}
	if err != nil {
		return err
	}
	return take(pack, cut)
}

// stalled is how long a server may say nothing.
const stalled = 2 * time.Minute

var errStalled = errors.New("the server said nothing for two minutes")

// dialogue is what follows a greeting. Its context ends with the conversation.
type dialogue func(ctx context.Context, c conversation, a *advert) error

func (r *Remote) talk(ctx context.Context, auth Auth, do dialogue) error {
	return r.watched(ctx, func(ctx context.Context, w *watch) error { return r.attempt(ctx, auth, w, do) })
}

// watched ends what does not get on.
func (r *Remote) watched(ctx context.Context, do func(context.Context, *watch) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watch{}
	w.timer = r.after(stalled, func() { cancel(errStalled) })
	defer w.timer.Stop()
	err := do(ctx, w)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		return fmt.Errorf("%w: %w", cause, context.DeadlineExceeded)
	}
	return err
}

func (r *Remote) attempt(ctx context.Context, auth Auth, w *watch, do dialogue) (err error) {
	c, a, err := r.begin(ctx, auth, w)
	if err != nil {
		return err
	}
	defer func() { c.end(err == nil) }()
	err = do(ctx, c, a)
	if kind := fault.Of(err); (kind == fault.Transient || kind == fault.Missing) && ctx.Err() == nil && r.forget(a) {
		// The greeting was an older one, and the server may have changed.
		if a, err = c.greet(ctx); err != nil {
			return err
		}
		return do(ctx, c, a)
	}
	return err
}

// begin starts a conversation and hears the greeting. Where an older
// connection does not lead to one, a new one is made.
func (r *Remote) begin(ctx context.Context, auth Auth, w *watch) (conversation, *advert, error) {
	for {
		c, err := r.converse(ctx, auth, w)
		if err != nil {
			return nil, nil, err
		}
		a, err := c.greet(ctx)
		if err == nil {
			return c, a, nil
		}
		c.end(false)
		if s, ok := c.(*overSSH); !ok || !s.on.used || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

// watch ends a conversation in which nothing comes any more.
type watch struct{ timer timer }

// over tells the watch of all that comes.
func (w *watch) over(r io.Reader) io.Reader { return &watched{r, w} }

type watched struct {
	from  io.Reader
	watch *watch
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.watch.timer.Reset(stalled)
	}
	return n, err
}
