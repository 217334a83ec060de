package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Remote is one repository on a server. It may be used by several goroutines.
type Remote struct {
	at     *transport.Endpoint
	tokens *Tokens

	mu sync.Mutex
	// http and known are what the last conversation over HTTP left.
	http  httpClient
	known *greeted
}

// New returns the repository at an endpoint over http, https or ssh.
func New(at *transport.Endpoint, tokens *Tokens) *Remote { return &Remote{at: at, tokens: tokens} }

// conversation is one with git-upload-pack.
type conversation interface {
	// greet returns what the server says first.
	greet(ctx context.Context) (*advert, error)
	// ask sends a request and returns the answer.
	ask(ctx context.Context, request string) (io.ReadCloser, error)
	io.Closer
}

func (r *Remote) converse(ctx context.Context, auth Auth) (conversation, error) {
	if r.at.Protocol == "ssh" {
		return dialSSH(ctx, r.at, auth)
	}
	return r.overHTTP(ctx, auth)
}

// Refs lists the refs whose names begin with one of the prefixes; more than
// these where the server can only list all.
func (r *Remote) Refs(ctx context.Context, auth Auth, prefixes []string) ([]Ref, error) {
	var refs []Ref
	err := r.talk(ctx, auth, func(c conversation, a *advert) error {
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
	return r.talk(ctx, auth, func(c conversation, a *advert) error {
		request := fetch2
		if !a.version2 {
			if request = fetch0; !a.gives(w.Want) && len(a.branches()) == 0 {
				return fault.New(fault.Missing, "the repository is empty")
			}
		}
		answer, err := c.ask(ctx, request(a, w))
		if err != nil {
			return err
		}
		defer answer.Close() //nolint:errcheck // what is wrong with it was found while reading
		var pack io.Reader
		if a.version2 {
			pack, err = answer2(answer)
		} else {
			pack, err = answer0(a, answer)
		}
		if err != nil {
			return err
		}
		return take(pack)
	})
}

// stalled is how long a server may say nothing.
const stalled = 2 * time.Minute

var errStalled = errors.New("the server said nothing for two minutes")

func (r *Remote) talk(ctx context.Context, auth Auth, do func(conversation, *advert) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watch{cancel: cancel}
	w.timer = time.AfterFunc(stalled, w.expire)
	defer w.timer.Stop()
	err := r.attempt(ctx, auth, w, do)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		return fmt.Errorf("%w: %w", cause, context.DeadlineExceeded)
	}
	return err
}

func (r *Remote) attempt(ctx context.Context, auth Auth, w *watch, do func(conversation, *advert) error) error {
	c, err := r.converse(ctx, auth)
	if err != nil {
		return err
	}
	c = &watched{c, w}
	defer c.Close() //nolint:errcheck // the answer was read
	a, err := c.greet(ctx)
	if err != nil {
		return err
	}
	err = do(c, a)
	if kind := fault.Of(err); (kind == fault.Transient || kind == fault.Missing) && ctx.Err() == nil && r.forget(a) {
		// The greeting was an older one, and the server may have changed.
		if a, err = c.greet(ctx); err != nil {
			return err
		}
		return do(c, a)
	}
	return err
}

// watch ends a conversation in which nothing comes any more.
type watch struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (w *watch) expire() { w.cancel(errStalled) }

// watched tells its watch that something came.
type watched struct {
	conversation
	watch *watch
}

func (w *watched) ask(ctx context.Context, request string) (io.ReadCloser, error) {
	answer, err := w.conversation.ask(ctx, request)
	if err != nil {
		return nil, err
	}
	return &watchedAnswer{answer, w.watch}, nil
}

type watchedAnswer struct {
	io.ReadCloser
	watch *watch
}

// Read implements io.Reader.
func (w *watchedAnswer) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.watch.timer.Reset(stalled)
	return n, err
}
