package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
)

// repository is one mirror, or one repository that is read in place.
type repository struct {
	url     string
	mirrors *Mirrors
	source  source
	// asking and fetching are held during conversations about refs and about
	// packs, blaming while history is read or fetched. mu never is.
	asking, fetching, blaming turn
	past                      *past // guarded by blaming; nil: nobody asked yet

	mu    sync.Mutex // guards what follows
	refs  *refs      // nil: nobody asked yet
	news  bool       // something changed since the last Poll
	uses  map[wanted]*use
	trees []*files // of the commits opened last, newest last
}

// use is a revision that somebody asks for.
type use struct {
	last time.Time
	// covered tells that the refs are about it.
	covered bool
	// files is what it was, as of refs.
	files *files
	refs  *refs
	hint  hint
}

const (
	// keptTrees is the number of commits that stay open: what branches and
	// tags of one repository applications commonly follow at once.
	keptTrees = 8
	// A revision is forgotten when nobody asked for it during keptUse, or
	// when there are more than maxUses: the ones that were not asked for the
	// longest. Whoever asks again is answered, after one more query.
	keptUse = 24 * time.Hour
	maxUses = 5000
)

// turn is a lock that can be waited for under a context.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }

// known gives what a revision was found to be, if that still holds.
func (r *repository) known(w wanted) *files {
	now := r.mirrors.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.uses[w]
	if !ok {
		u = &use{covered: fullSHA.MatchString(w.revision)}
		r.uses[w] = u
	}
	u.last = now
	if u.files == nil || u.refs != r.refs && !fullSHA.MatchString(w.revision) {
		return nil
	}
	return u.files
}

// tree opens a revision, and asks the server for what is not known or held.
func (r *repository) tree(ctx context.Context, w wanted) (*files, error) {
	if f := r.known(w); f != nil {
		return f, nil
	}
	t, at, err := r.resolve(ctx, w)
	if err != nil {
		return nil, err
	}
	f, err := r.open(ctx, t)
	if fault.Of(err) == fault.Missing && t.name != "" && !errors.As(err, &told{}) {
		// It may have moved since the refs were asked for.
		if _, again := r.ask(ctx, nil); again != nil {
			return nil, errors.Join(err, again)
		}
		moved := t
		if t, at, again := r.resolve(ctx, w); again == nil && t.hash != moved.hash {
			f, err = r.open(ctx, t)
			return r.remember(w, f, at), err
		}
	}
	return r.remember(w, f, at), err
}

func (r *repository) remember(w wanted, f *files, at *refs) *files {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, ok := r.uses[w]; ok && f != nil {
		u.files, u.refs, u.hint = f, at, hint{}
	}
	return f
}

func (r *repository) resolve(ctx context.Context, w wanted) (target, *refs, error) {
	if fullSHA.MatchString(w.revision) {
		h := plumbing.NewHash(w.revision)
		return target{hash: h, want: h}, nil, nil
	}
	// uncovered is asked under mu.
	uncovered := func() bool {
		u, ok := r.uses[w]
		return r.refs == nil || !ok || !u.covered
	}
	r.mu.Lock()
	now, ask := r.refs, uncovered()
	r.mu.Unlock()
	if ask {
		var err error
		if now, err = r.ask(ctx, uncovered); err != nil {
			return target{}, nil, err
		}
	}
	t, err := now.resolve(w)
	if err != nil {
		err = r.helped(ctx, w, now, err)
	}
	return t, now, err
}

// inUse lists the revisions that are asked for, and forgets others.
func (r *repository) inUse() []wanted {
	old := r.mirrors.options.Now().Add(-keptUse)
	all := make([]wanted, 0, len(r.uses))
	for w, u := range r.uses {
		if u.last.Before(old) {
			delete(r.uses, w)
			continue
		}
		all = append(all, w)
	}
	if len(all) > maxUses {
		slices.SortFunc(all, func(a, b wanted) int { return r.uses[b].last.Compare(r.uses[a].last) })
		for _, w := range all[maxUses:] {
			delete(r.uses, w)
		}
		all = all[:maxUses]
	}
	return all
}

// held tells whether somebody asked for anything, and nobody forgot it.
func (r *repository) held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refs != nil || len(r.uses) > 0
}

func (r *repository) poll(ctx context.Context) (changed bool, err error) {
	r.mu.Lock()
	first := r.refs == nil
	r.mu.Unlock()
	if m, ok := r.source.(*mirrored); ok {
		m.fetches.Again()
	}
	if _, err := r.ask(ctx, nil); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = first || r.news
	r.news = false
	return changed, nil
}

// open gives the files of a commit, fetched where they are not there.
func (r *repository) open(ctx context.Context, t target) (*files, error) {
	r.mu.Lock()
	for _, f := range r.trees {
		if f.is(t) {
			r.mu.Unlock()
			return f, nil
		}
	}
	r.mu.Unlock()
	held, err := r.source.holds(t.hash)
	if err != nil {
		return nil, err
	}
	if !held {
		if err := r.bring(ctx, t); err != nil {
			return nil, err
		}
	}
	from, err := r.source.objects()
	if err != nil {
		return nil, err
	}
	commit, err := readCommit(from, t.hash)
	if errors.Is(err, pack.ErrAbsent) {
		return nil, fault.New(fault.Missing, "the repository has no commit %s", t.hash)
	}
	if err != nil {
		return nil, err
	}
	f := newFiles(r, from, commit)
	f.asked = t.hash
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trees = append(r.trees, f)
	if len(r.trees) > keptTrees {
		r.trees = slices.Clone(r.trees[1:])
	}
	return f, nil
}

func readCommit(from objects, h plumbing.Hash) (*object.Commit, error) {
	h, data, err := pack.Peel(from, h)
	if err != nil {
		return nil, err
	}
	o := &plumbing.MemoryObject{}
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(data); err != nil {
		return nil, err
	}
	c := &object.Commit{}
	if err := c.Decode(o); err != nil {
		return nil, fmt.Errorf("read the commit %s: %w", h, err)
	}
	return c, nil
}

// tidy compacts the mirror where that is due and no fetch is under way.
func (r *repository) tidy(ctx context.Context) error {
	m, ok := r.source.(*mirrored)
	if !ok {
		return nil
	}
	select {
	case r.fetching <- struct{}{}:
		defer r.fetching.give()
	default:
		return nil
	}
	s, err := m.opened()
	if err != nil || !s.Crowded() {
		return err
	}
	if err := s.Compact(ctx, r.followed(s)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// What is open would keep the old packs on the disk.
	r.trees = nil
	for _, u := range r.uses {
		u.files = nil
	}
	return nil
}

// keptCommits is how many of the last commits stay that nobody follows, for
// those who go back.
const keptCommits = 4

// followed lists the commits that a mirror keeps.
func (r *repository) followed(s *pack.Store) []plumbing.Hash {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := map[plumbing.Hash]bool{}
	for w, u := range r.uses {
		if u.files != nil {
			wanted[plumbing.NewHash(u.files.commit.SHA)] = true
		}
		if r.refs != nil && !fullSHA.MatchString(w.revision) {
			if t, err := r.refs.resolve(w); err == nil {
				wanted[t.hash] = true
			}
		}
	}
	held := s.Held()
	for _, h := range held[max(0, len(held)-keptCommits):] {
		wanted[h] = true
	}
	return slices.DeleteFunc(slices.Clone(held), func(h plumbing.Hash) bool { return !wanted[h] })
}

// doubt has a commit fetched again of which something is missing.
func (r *repository) doubt(f *files) {
	m, ok := r.source.(*mirrored)
	if !ok {
		return
	}
	r.mu.Lock()
	r.trees = slices.DeleteFunc(slices.Clone(r.trees), func(t *files) bool { return t.kept == f.kept })
	for _, u := range r.uses {
		if u.files != nil && u.files.kept == f.kept {
			u.files = nil
		}
	}
	r.mu.Unlock()
	select {
	case r.fetching <- struct{}{}:
		defer r.fetching.give()
	default:
		return // a fetch is under way; the next reader comes here again
	}
	if s, err := m.opened(); err == nil {
		_ = s.Doubt() // the reader has an error to tell already
	}
}
