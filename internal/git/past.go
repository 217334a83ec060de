package git

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/blame"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// past is the history of a repository as far as somebody asked for it: commits
// and folders, and the contents that were compared. It is a store of its own
// in the mirror's folder, and goes with it. It is used by one goroutine at a
// time.
type past struct {
	m      *mirrored
	mirror *pack.Store // which m had when this was opened
	store  *pack.Store
	state  pastState
	// tired is when a bound was last hit: history is not fetched any further
	// for some time.
	tired time.Time
}

// pastState is what is held.
type pastState struct {
	// Tips are commits with their history, newest last, as far as that is not
	// cut off at Shallow.
	Tips    []plumbing.Hash `json:"tips"`
	Shallow []plumbing.Hash `json:"shallow"`
}

// Bounds of what is kept and fetched of a history, in bytes and packs. When
// there is too much the store begins anew.
const (
	maxPast      = 512 << 20
	maxPastFetch = 256 << 20
	maxPastPacks = 64
	maxTips      = 16
	// rest is how long a history is not asked for again that is too large.
	rest = 6 * time.Hour
)

// deeper are the steps in which history is fetched: mostly what somebody looks
// for is not old.
func deeper() []int { return []int{50, 500, 5_000, 50_000} }

const pastFolder, pastFile = "trueup-history", "trueup-history.json"

// openPast opens the history beside a mirror that is open: opening that could
// empty its folder.
func openPast(m *mirrored, mirror *pack.Store) (*past, error) {
	p := &past{m: m, mirror: mirror}
	var err error
	if p.store, err = pack.Open(filepath.Join(m.dir, pastFolder), m.cache); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(p.stateFile())
	if err == nil {
		err = json.Unmarshal(data, &p.state)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return p, p.anew() // it can be fetched again
	}
	// A commit whose pack did not survive is fetched again.
	p.state.Tips = slices.DeleteFunc(p.state.Tips, func(h plumbing.Hash) bool { return !p.store.Set().Has(h) })
	return p, nil
}

func (p *past) stateFile() string { return filepath.Join(p.m.dir, pastFile) }

// anew forgets everything.
func (p *past) anew() error {
	p.state = pastState{}
	return errors.Join(p.store.Doubt(), p.save())
}

func (p *past) save() error {
	data, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(p.m.dir, "tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone where all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), p.stateFile())
}

// deepen fetches a commit with some of its history.
func (p *past) deepen(ctx context.Context, tip plumbing.Hash, depth int) error {
	if packs, size := p.store.Set().Weight(); packs > maxPastPacks || size > maxPast {
		if err := p.anew(); err != nil {
			return err
		}
	}
	err := p.deepenFrom(ctx, tip, depth)
	if fault.Of(err) == fault.Transient && len(p.state.Tips) > 0 && ctx.Err() == nil {
		// Maybe something is not there that we said we have.
		if again := p.anew(); again != nil {
			return errors.Join(err, again)
		}
		err = p.deepenFrom(ctx, tip, depth)
	}
	return err
}

func (p *past) deepenFrom(ctx context.Context, tip plumbing.Hash, depth int) error {
	auth, err := p.m.auth(ctx)
	if err != nil {
		return err
	}
	want := wire.Past{Tip: tip, Depth: depth, Have: p.state.Tips, Shallow: p.state.Shallow}
	err = p.m.remote.Deepen(ctx, auth, want, func(r io.Reader, cut []plumbing.Hash) error {
		if err := p.store.Take(ctx, &bounded{from: r, left: maxPastFetch}); err != nil {
			return err
		}
		return p.took(tip, cut)
	})
	if err != nil {
		return fmt.Errorf("fetch the history of %s: %w", tip.String()[:7], err)
	}
	return nil
}

// took notes what is there after a fetch.
func (p *past) took(tip plumbing.Hash, cut []plumbing.Hash) error {
	set := p.store.Set()
	if !set.Has(tip) {
		return fmt.Errorf("the server sent a history without %s", tip)
	}
	p.state.Tips = append(slices.DeleteFunc(p.state.Tips, func(h plumbing.Hash) bool { return h == tip }), tip)
	if n := len(p.state.Tips); n > maxTips {
		p.state.Tips = slices.Clone(p.state.Tips[n-maxTips:])
	}
	var shallow []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for _, h := range slices.Concat(p.state.Shallow, cut) {
		if seen[h] {
			continue
		}
		seen[h] = true
		c, err := readCommit(set, h)
		if errors.Is(err, pack.ErrAbsent) {
			continue
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.ParentHashes, func(parent plumbing.Hash) bool { return !set.Has(parent) }) {
			shallow = append(shallow, h)
		}
	}
	p.state.Shallow = shallow
	return p.save()
}

// contents fetches files.
func (p *past) contents(ctx context.Context, ids []plumbing.Hash) error {
	auth, err := p.m.auth(ctx)
	if err != nil {
		return err
	}
	err = p.m.remote.Contents(ctx, auth, ids, func(r io.Reader) error {
		return p.store.Take(ctx, &bounded{from: r, left: maxPastFetch})
	})
	if err != nil {
		return fmt.Errorf("fetch %d earlier contents: %w", len(ids), err)
	}
	return nil
}

// errTooMuch ends a fetch that brings more than it may.
var errTooMuch = fault.New(fault.Invalid, "the history takes more than %d MiB", maxPastFetch>>20)

// bounded reads as much as it may.
type bounded struct {
	from io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(to []byte) (int, error) {
	n, err := b.from.Read(to)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// fetching reads the history of one commit, and fetches what is missing of it.
type fetching struct {
	past *past
	tip  plumbing.Hash
	// walked counts the commits that were read, step is the next one of
	// deeper that may be of use, and batch how many contents are fetched at
	// once.
	walked, step, batch int
}

var _ blame.Source = (*fetching)(nil)

// Commit implements blame.Source.
func (f *fetching) Commit(ctx context.Context, h plumbing.Hash) (*object.Commit, error) {
	f.walked++
	for {
		c, err := readCommit(f.past.store.Set(), h)
		if !errors.Is(err, pack.ErrAbsent) {
			return c, err
		}
		if err := f.deepen(ctx); err != nil {
			return nil, err
		}
	}
}

// deepen fetches the next part of the history.
func (f *fetching) deepen(ctx context.Context) error {
	steps := deeper()
	for f.step < len(steps) && steps[f.step] < f.walked {
		f.step++
	}
	now := f.past.m.now()
	if f.step == len(steps) || now.Sub(f.past.tired) < rest {
		return blame.ErrBeyond
	}
	depth := steps[f.step]
	f.step++
	err := f.past.deepen(ctx, f.tip, depth)
	if errors.Is(err, errTooMuch) {
		f.past.tired = now
		return blame.ErrBeyond
	}
	return err
}

// Holds implements blame.Source.
func (f *fetching) Holds(h plumbing.Hash) bool { return f.past.store.Set().Has(h) }

// Tree implements blame.Source.
func (f *fetching) Tree(h plumbing.Hash) ([]byte, error) {
	data, err := readTree(f.past.store.Set(), h)
	if errors.Is(err, pack.ErrAbsent) {
		// Without its folders a commit is of no use: all is fetched again.
		err = errors.Join(err, f.past.anew())
	}
	return data, err
}

// Content implements blame.Source.
func (f *fetching) Content(ctx context.Context, id plumbing.Hash, more func(int) []plumbing.Hash) ([]byte, error) {
	data, err := readContent(f.past.store.Set(), id)
	if !errors.Is(err, pack.ErrAbsent) {
		return data, err
	}
	// What the mirror has is not fetched once more.
	if data, err := readContent(f.past.mirror.Set(), id); err == nil {
		return data, nil
	}
	const firstBatch, lastBatch = 4, 256
	f.batch = min(max(f.batch*4, firstBatch), lastBatch)
	set := f.past.store.Set()
	ids := []plumbing.Hash{id}
	for _, next := range more(f.batch) {
		if !slices.Contains(ids, next) && !set.Has(next) {
			ids = append(ids, next)
		}
	}
	if err := f.past.contents(ctx, ids); err != nil {
		return nil, err
	}
	return readContent(f.past.store.Set(), id)
}
