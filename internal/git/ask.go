package git

import (
	"context"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// ask asks for the refs of all revisions in use, unless needed, called when
// it is our turn, finds that others did so meanwhile. Without needed the server
// is asked even if it failed a moment ago.
func (r *repository) ask(ctx context.Context, needed func() bool) (*refs, error) {
	if err := r.takeTurn(ctx, needed != nil); err != nil {
		return nil, err
	}
	defer r.asking.give()
	r.mu.Lock()
	if needed != nil && !needed() {
		defer r.mu.Unlock()
		return r.refs, nil
	}
	uses := r.inUse()
	r.mu.Unlock()
	about := interestIn(uses)
	all, err := r.source.refs(ctx, about.prefixes())
	if err != nil {
		return r.unasked(needed, err)
	}
	now, other := r.answered(uses, newRefs(all, about), all)
	if m, ok := r.source.(*mirrored); ok && other {
		_ = m.keepRefs(uses, all) // asked for again after a restart, at worst
	}
	return now, nil
}

// takeTurn waits for the turn to ask. Where the server failed the last time, one
// who only wants to know does not wait while another finds out whether it still
// does: it may be one that never answers.
func (r *repository) takeTurn(ctx context.Context, hasty bool) error {
	m, ok := r.source.(*mirrored)
	if !ok {
		return r.asking.take(ctx)
	}
	if !hasty {
		err := r.asking.take(ctx)
		m.backoff.Again()
		return err
	}
	err := m.backoff.Failing()
	if err == nil {
		return r.asking.take(ctx)
	}
	select {
	case r.asking <- struct{}{}:
		return nil
	default:
		return err
	}
}

// unasked is what is known though the server could not be asked: nothing to who
// wants to hear of news, and to others what an earlier process knew.
func (r *repository) unasked(needed func() bool, err error) (*refs, error) {
	if needed == nil || fault.Of(classify(err)) == fault.Denied {
		return nil, err
	}
	r.recall()
	r.mu.Lock()
	defer r.mu.Unlock()
	if needed() {
		return nil, err
	}
	return r.refs, nil
}

// answered takes over what a server said about the revisions in use, and tells
// whether it is anything else than before.
func (r *repository) answered(uses []wanted, now *refs, all []wire.Ref) (_ *refs, other bool) {
	about := now.about
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.refs
	switch {
	case r.refs == nil:
	case !r.refs.same(all):
		r.news = true
	case now.same(all) && len(now.byName) == len(r.refs.byName) && now.about.head == r.refs.about.head:
		// What was opened stays as it is.
		r.refs.about = about
		now = r.refs
	}
	r.refs = now
	if about.tellsAll(all) {
		r.look(uses, now, all)
	}
	for _, w := range uses {
		if u, ok := r.uses[w]; ok {
			other = other || !u.covered
			u.covered = true
		}
	}
	return now, other || now != before
}
