package git

import (
	"container/heap"
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/blame"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Fresh is Tree for who must not see an older commit of a branch: it asks the
// server first. A Poll after it tells that something changed all the same.
func (m *Mirrors) Fresh(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	r, err := m.repository(at.RepoURL)
	if err == nil {
		var f *files
		if f, _, err = r.fresh(ctx, at.Revision); err == nil {
			commit := f.commit
			commit.Repo, commit.Ref = at.RepoURL, at.Revision
			return snapshot.Tree{Commit: commit, FS: f}, nil
		}
	}
	return snapshot.Tree{}, fmt.Errorf("open %s at %s: %w", Redact(at.RepoURL), shown(at.Revision), classify(err))
}

// MergeBase is the commit that two others, given by their full ids, have in
// common; the latest where there are several. It fetches as much of the history
// as that needs, within the bounds of Blame. None is fault.Invalid.
func (m *Mirrors) MergeBase(ctx context.Context, url, a, b string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, blameTime)
	defer cancel()
	r, err := m.repository(url)
	if err == nil {
		var h plumbing.Hash
		if h, err = r.mergeBase(ctx, a, b); err == nil {
			return h.String(), nil
		}
	}
	return "", fmt.Errorf("find what %.7s and %.7s of %s have in common: %w", a, b, Redact(url), classify(err))
}

// maxAncestors bounds the commits that are walked over for one answer.
const maxAncestors = 100_000

func (r *repository) mergeBase(ctx context.Context, a, b string) (plumbing.Hash, error) {
	for _, id := range []string{a, b} {
		if !fullSHA.MatchString(id) {
			return plumbing.ZeroHash, fault.New(fault.Invalid, "%q is not the id of a commit", id)
		}
	}
	if a == b {
		return plumbing.NewHash(a), nil
	}
	if err := r.blaming.take(ctx); err != nil {
		return plumbing.ZeroHash, err
	}
	defer r.blaming.give()
	var w ancestors
	for _, id := range []string{a, b} {
		from, err := r.history(plumbing.NewHash(id))
		if err != nil {
			return plumbing.ZeroHash, err
		}
		w.from = append(w.from, from)
	}
	w.seen = map[plumbing.Hash]*ancestor{}
	for side, id := range []string{a, b} {
		if err := w.reach(ctx, plumbing.NewHash(id), side); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	for len(w.next) > 0 && len(w.seen) < maxAncestors {
		one := heap.Pop(&w.next).(*ancestor) //nolint:forcetypeassert // nothing else is in it
		if one.sides[0] && one.sides[1] {
			return one.commit.Hash, nil
		}
		one.done = true
		for side := range one.sides {
			if !one.sides[side] {
				continue
			}
			for _, parent := range one.commit.ParentHashes {
				if err := w.reach(ctx, parent, side); err != nil {
					return plumbing.ZeroHash, err
				}
			}
		}
	}
	return plumbing.ZeroHash, fault.New(fault.Invalid, "they have no commit in common")
}

// ancestors are the commits that two sides come from, the latest first.
type ancestors struct {
	from []blame.Source // of each side
	seen map[plumbing.Hash]*ancestor
	next ordered
}

type ancestor struct {
	commit *object.Commit
	sides  [2]bool
	done   bool // it was taken out of next
}

// reach notes that a side comes from a commit.
func (w *ancestors) reach(ctx context.Context, h plumbing.Hash, side int) error {
	one, ok := w.seen[h]
	if !ok {
		c, err := w.from[side].Commit(ctx, h)
		if errors.Is(err, blame.ErrBeyond) {
			return fault.New(fault.Invalid, "the history that can be had ends before a commit that they have in common")
		}
		if err != nil {
			return err
		}
		one = &ancestor{commit: c}
		w.seen[h] = one
		heap.Push(&w.next, one)
	}
	if one.sides[side] {
		return nil
	}
	if one.sides[side] = true; one.done {
		// A clock was wrong: it was passed before the other side came to it.
		one.done = false
		heap.Push(&w.next, one)
	}
	return nil
}

// ordered is a heap of commits, the latest on top.
type ordered []*ancestor

func (o ordered) Len() int { return len(o) }
func (o ordered) Less(i, j int) bool {
	return o[i].commit.Committer.When.After(o[j].commit.Committer.When)
}
func (o ordered) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *ordered) Push(x any)   { *o = append(*o, x.(*ancestor)) } //nolint:forcetypeassert // nothing else is put in
func (o *ordered) Pop() any {
	all := *o
	last := all[len(all)-1]
	*o = all[:len(all)-1]
	return last
}
