package blame

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/git/pack"
)

// ErrBeyond is what a Source says of commits that it cannot reach any more.
var ErrBeyond = errors.New("the history is not known any further")

// ErrNoFile means that the commit has no such file.
var ErrNoFile = errors.New("there is no such file")

// Source reads history.
type Source interface {
	// Commit reads a commit, fetched where it is not there. One that cannot be
	// reached is an ErrBeyond.
	Commit(ctx context.Context, h plumbing.Hash) (*object.Commit, error)
	// Holds tells that a commit can be read without fetching.
	Holds(h plumbing.Hash) bool
	// Tree returns what Git's object of a folder holds.
	Tree(h plumbing.Hash) ([]byte, error)
	// Content reads a file. more names further ones that will be asked for
	// next, at most n of them, for a Source that fetches.
	Content(ctx context.Context, id plumbing.Hash, more func(n int) []plumbing.Hash) ([]byte, error)
}

// Lines are those of a file from one to another, counted from 1. The zero
// value is the file as a whole.
type Lines struct{ From, To int }

// Touch is the last commit that touched some lines, and where they are there.
type Touch struct {
	Commit *object.Commit
	Path   string
	// Line is the first of the lines that the commit touched; 0 for a file.
	Line int
	// Beyond says that the lines are older: Commit is the oldest that was seen
	// with them.
	Beyond bool
}

// maxSteps bounds the commits that one question walks over.
const maxSteps = 200_000

// Find tells which commit touched lines of a file last: changed one of them,
// added one or took one away from between them.
func Find(ctx context.Context, from Source, at plumbing.Hash, path string, lines Lines) (Touch, error) {
	w := &walk{ctx: ctx, from: from}
	c, err := from.Commit(ctx, at)
	if err != nil {
		return Touch{}, err
	}
	f, err := w.file(c, path)
	if err != nil {
		return Touch{}, err
	}
	if f.zero() {
		return Touch{}, fmt.Errorf("find %s in %s: %w", path, at, ErrNoFile)
	}
	if lines.From > 0 {
		content, err := w.content(f)
		if err != nil {
			return Touch{}, err
		}
		if n := len(split(content)); lines.From > n || lines.To > n || lines.To < lines.From {
			return Touch{}, fmt.Errorf("find lines %d to %d of %s: it has %d", lines.From, lines.To, path, n)
		}
		for i := lines.From; i <= lines.To; i++ {
			f.lines = append(f.lines, i)
		}
	}
	return w.back(f)
}

// version is a file in a commit, and the lines of it that are followed.
type version struct {
	commit *object.Commit
	path   string
	blob   plumbing.Hash
	lines  []int
}

func (v version) zero() bool { return v.blob.IsZero() }

func (v version) touched(beyond bool) Touch {
	t := Touch{Commit: v.commit, Path: v.path, Beyond: beyond}
	if len(v.lines) > 0 {
		t.Line = v.lines[0]
	}
	return t
}

// walk answers one question.
type walk struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one call
	from  Source
	steps int
	trees finder
}

// back walks until a commit touched the lines.
func (w *walk) back(v version) (Touch, error) {
	for {
		if w.steps++; w.steps > maxSteps {
			return v.touched(true), nil
		}
		if err := w.ctx.Err(); err != nil {
			return Touch{}, err
		}
		if v.commit.NumParents() == 0 {
			return v.touched(false), nil
		}
		parents, same, err := w.parents(v)
		switch {
		case errors.Is(err, ErrBeyond):
			return v.touched(true), nil
		case err != nil:
			return Touch{}, err
		case same != nil:
			v = *same
			continue
		case len(v.lines) == 0:
			return v.touched(false), nil // the file is another one in all of them
		}
		next, err := w.divide(v, parents)
		if err != nil {
			return Touch{}, err
		}
		switch len(next) {
		case 0:
			return v.touched(false), nil
		case 1:
			v = next[0]
		default:
			return w.newest(next)
		}
	}
}

// parents finds the file in the parents: in one that has the very same, or in
// all that have another.
func (w *walk) parents(v version) (others []version, same *version, err error) {
	var absent []*object.Commit
	for _, h := range v.commit.ParentHashes {
		c, err := w.from.Commit(w.ctx, h)
		if err != nil {
			return nil, nil, err
		}
		f, err := w.file(c, v.path)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case f.zero():
			absent = append(absent, c)
		case f.blob == v.blob:
			f.lines = v.lines
			return nil, &f, nil
		default:
			others = append(others, f)
		}
	}
	for _, c := range absent {
		f, err := w.renamed(v, c)
		if err != nil {
			return nil, nil, err
		}
		if !f.zero() {
			f.lines = v.lines
			return nil, &f, nil
		}
	}
	return others, nil, nil
}

// divide tells which parent has which of the lines. It returns none where the
// commit itself touched one.
func (w *walk) divide(v version, parents []version) ([]version, error) {
	content, err := w.content(v)
	if err != nil {
		return nil, err
	}
	left := v.lines
	var next []version
	for _, p := range parents {
		old, err := w.content(p)
		if err != nil {
			return nil, err
		}
		there, err := follow(content, old, left)
		if err != nil {
			return nil, fmt.Errorf("compare %s in %s and %s: %w", v.path, v.commit.Hash, p.commit.Hash, err)
		}
		var stay []int
		for i, line := range there {
			if line == 0 {
				stay = append(stay, left[i])
				continue
			}
			p.lines = append(p.lines, line)
		}
		if len(p.lines) > 0 {
			next = append(next, p)
		}
		if left = stay; len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		return nil, nil
	}
	if len(parents) == 1 && gaps(next[0].lines) > gaps(v.lines) {
		return nil, nil // a line between them went
	}
	return next, nil
}

// gaps counts the lines between the first and the last that are not followed.
func gaps(lines []int) int { return lines[len(lines)-1] - lines[0] + 1 - len(lines) }

// newest follows lines that come from several parents, each to its end.
func (w *walk) newest(all []version) (Touch, error) {
	var out Touch
	for _, v := range all {
		t, err := w.back(v)
		if err != nil {
			return Touch{}, err
		}
		if out.Commit == nil || t.Commit.Committer.When.After(out.Commit.Committer.When) {
			out = t
		}
	}
	return out, nil
}

func (w *walk) file(c *object.Commit, path string) (version, error) {
	id, err := w.trees.find(w.from, c.TreeHash, path)
	return version{commit: c, path: path, blob: id}, err
}

// maxContent bounds the files that are compared, in bytes.
const maxContent = 16 << 20

func (w *walk) content(v version) ([]byte, error) {
	data, err := w.from.Content(w.ctx, v.blob, func(n int) []plumbing.Hash { return w.ahead(v, n) })
	if err != nil {
		return nil, fmt.Errorf("read %s in %s: %w", v.path, v.commit.Hash, err)
	}
	if len(data) > maxContent {
		return nil, fmt.Errorf("read %s in %s: it has more than %d MiB", v.path, v.commit.Hash, maxContent>>20)
	}
	return data, nil
}

// ahead lists the contents that the file had before, as far as first parents
// are held.
func (w *walk) ahead(v version, n int) []plumbing.Hash {
	var out []plumbing.Hash
	trees := finder{}
	last := v.blob
	for range maxSteps {
		if len(out) == n || v.commit.NumParents() == 0 || !w.from.Holds(v.commit.ParentHashes[0]) {
			break
		}
		c, err := w.from.Commit(w.ctx, v.commit.ParentHashes[0])
		if err != nil {
			break
		}
		id, err := trees.find(w.from, c.TreeHash, v.path)
		if err != nil || id.IsZero() {
			break
		}
		if id != last {
			out, last = append(out, id), id
		}
		v.commit = c
	}
	return out
}

// plain tells what counts as a file.
func plain(e pack.TreeEntry) bool { return e.Plain() }
