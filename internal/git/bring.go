package git

import (
	"context"
	"fmt"

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
		err := guarded(func() error { return r.source.bring(own, t) })
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

// guarded turns a panic into an error: nobody above a fetch recovers it, and no
// server may stop the agent.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "%s", fault.Panic("the fetch", p))
		}
	}()
	return do()
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
		if err := m.fetches.Failing(t.hash); err != nil {
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
