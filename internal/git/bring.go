package git

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// bring fetches a commit. A fetch has its own time and belongs to nobody: it goes
// on when who asked for it cannot wait any longer, and who comes next waits for
// the same one.
func (r *repository) bring(ctx context.Context, t target) error {
	if err := r.takeFetch(ctx, t); err != nil {
		return err
	}
	held, err := r.source.holds(t.hash)
	if err != nil || held {
		r.fetching.give()
		return err
	}
	done := make(chan error, 1)
	err = r.mirrors.begin(func(own context.Context) {
		err := r.source.bring(own, t)
		r.fetching.give() // before anybody who waits asks again
		done <- err
	})
	if err != nil {
		r.fetching.give()
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", snapshot.ErrPending, ctx.Err())
	}
}

// takeFetch waits for the turn to fetch. Where the server failed the last time,
// nobody waits while another finds out whether it still does.
func (r *repository) takeFetch(ctx context.Context, t target) error {
	select {
	case r.fetching <- struct{}{}:
		return nil
	default:
	}
	if m, ok := r.source.(*mirrored); ok {
		if err := m.fetches.failing(t.hash); err != nil {
			return told{err}
		}
	}
	if err := r.fetching.take(ctx); err != nil {
		return fmt.Errorf("%w: %w", snapshot.ErrPending, err)
	}
	return nil
}

// begin has something done that Close ends and waits for.
func (m *Mirrors) begin(do func(ctx context.Context)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ctx.Err(); err != nil {
		return err
	}
	m.going.Go(func() { do(m.ctx) })
	return nil
}

// told is the failure of an earlier fetch.
type told struct{ error }

// Unwrap returns the failure.
func (t told) Unwrap() error { return t.error }

// maxFailed bounds the commits of one repository whose failures are remembered.
const maxFailed = 1000

// fetches remember what could not be fetched: a server that does not give any
// pack, or single commits.
type fetches struct {
	all backoff

	mu   sync.Mutex
	each map[plumbing.Hash]*backoff
}

func (f *fetches) of(h plumbing.Hash) *backoff {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.each[h]
}

// last is the failure that is to be told in place of fetching with auth now.
func (f *fetches) last(h plumbing.Hash, auth Auth, now time.Time) error {
	if err := f.all.last(auth, now); err != nil {
		return err
	}
	return f.of(h).last(auth, now)
}

// failing is the failure of the last fetch, however long ago it was.
func (f *fetches) failing(h plumbing.Hash) error {
	if err := f.all.failing(); err != nil {
		return err
	}
	return f.of(h).failing()
}

// again has the next fetches tried, whatever came of the last ones.
func (f *fetches) again() {
	f.all.again()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.each {
		b.again()
	}
}

// note takes in what came of a fetch, and tells it. Of one that failed, single
// says that it tells nothing about other commits.
func (f *fetches) note(h plumbing.Hash, auth Auth, now time.Time, single bool, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	kind := fault.Of(classify(err))
	if single = single || kind == fault.Missing || kind == fault.Invalid; err != nil && !single {
		return f.all.note(auth, now, err)
	}
	_ = f.all.note(auth, now, nil) // the server answered
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.each, h)
		return nil
	}
	b := f.each[h]
	if b == nil {
		if f.each == nil || len(f.each) >= maxFailed {
			f.each = map[plumbing.Hash]*backoff{}
		}
		b = &backoff{}
		f.each[h] = b
	}
	return b.note(auth, now, err)
}
