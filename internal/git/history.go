package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/blame"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// blameTime bounds one question about history.
const blameTime = 10 * time.Minute

// Blame tells which commit touched lines of a file last. It fetches as much of
// the history as that needs, within bounds, into a store beside the mirror: no
// Poll, Resolve or Tree waits for it. Questions about one repository take
// turns.
func (m *Mirrors) Blame(ctx context.Context, q snapshot.Lines) (snapshot.Touch, error) {
	ctx, cancel := context.WithTimeout(ctx, blameTime)
	defer cancel()
	r, err := m.repository(q.At.RepoURL)
	if err == nil {
		var t snapshot.Touch
		if t, err = r.blame(ctx, q); err == nil {
			t.Commit.Repo = q.At.RepoURL
			return t, nil
		}
	}
	return snapshot.Touch{}, fmt.Errorf("find who changed %s in %s: %w", q.Path, Redact(q.At.RepoURL), classify(err))
}

// asking names an answer about history in the cache.
type asking struct {
	repo     *repository
	commit   plumbing.Hash
	path     string
	from, to int
}

func (r *repository) blame(ctx context.Context, q snapshot.Lines) (snapshot.Touch, error) {
	if !fullSHA.MatchString(q.Commit) {
		return snapshot.Touch{}, fault.New(fault.Invalid, "%q is not the id of a commit", q.Commit)
	}
	at := plumbing.NewHash(q.Commit)
	key := asking{r, at, q.Path, q.From, q.To}
	if known, ok := r.mirrors.cache.Get(key); ok {
		return known.(snapshot.Touch), nil
	}
	if err := r.blaming.take(ctx); err != nil {
		return snapshot.Touch{}, err
	}
	defer r.blaming.give()
	from, err := r.history(at)
	if err != nil {
		return snapshot.Touch{}, err
	}
	t, err := blame.Find(ctx, from, at, q.Path, blame.Lines{From: q.From, To: q.To})
	switch {
	case errors.Is(err, blame.ErrBeyond), errors.Is(err, blame.ErrNoFile):
		return snapshot.Touch{}, fault.Wrap(fault.Missing, err)
	case err != nil:
		return snapshot.Touch{}, err
	}
	out := snapshot.Touch{Commit: commitOf(t.Commit), Path: t.Path, Line: t.Line, Beyond: t.Beyond}
	if !out.Beyond { // more may be known another time
		const perAnswer = 500
		r.mirrors.cache.Put(key, out, perAnswer+len(q.Path))
	}
	return out, nil
}

// history is where the history of a commit is read.
func (r *repository) history(tip plumbing.Hash) (blame.Source, error) {
	if l, ok := r.source.(*local); ok {
		_, err := l.objects()
		return inPlace{l}, err
	}
	m := r.source.(*mirrored) // there are no others
	mirror, err := m.opened()
	if err != nil {
		return nil, err
	}
	if r.past == nil || r.past.mirror != mirror { // which was removed since
		if r.past, err = openPast(m, mirror); err != nil {
			return nil, err
		}
	}
	return &fetching{past: r.past, tip: tip}, nil
}

func commitOf(c *object.Commit) snapshot.Commit {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return snapshot.Commit{SHA: c.Hash.String(), Author: c.Author.Name, Subject: subject, Time: c.Author.When, Adopts: snapshot.Adopts(c.Message)}
}

// inPlace reads the history of a repository on this machine's disk.
type inPlace struct{ *local }

// Commit implements blame.Source.
func (l inPlace) Commit(_ context.Context, h plumbing.Hash) (*object.Commit, error) {
	c, err := readCommit(l, h)
	if errors.Is(err, pack.ErrAbsent) {
		return nil, blame.ErrBeyond // a shallow clone
	}
	return c, err
}

// Holds implements blame.Source.
func (l inPlace) Holds(plumbing.Hash) bool { return true }

// Tree implements blame.Source.
func (l inPlace) Tree(h plumbing.Hash) ([]byte, error) { return readTree(l, h) }

// Content implements blame.Source.
func (l inPlace) Content(_ context.Context, id plumbing.Hash, _ func(int) []plumbing.Hash) ([]byte, error) {
	return readContent(l, id)
}

func readTree(from objects, h plumbing.Hash) ([]byte, error) {
	return readKind(from, h, plumbing.TreeObject)
}

func readContent(from objects, h plumbing.Hash) ([]byte, error) {
	size, err := from.Size(h)
	if err != nil {
		return nil, err
	}
	if size > snapshot.MaxFileSize {
		return nil, fault.New(fault.Invalid, "it is larger than %d MiB", snapshot.MaxFileSize>>20)
	}
	return readKind(from, h, plumbing.BlobObject)
}

func readKind(from objects, h plumbing.Hash, want plumbing.ObjectType) ([]byte, error) {
	kind, data, err := from.Read(h)
	if err != nil {
		return nil, err
	}
	if kind != want {
		return nil, fault.New(fault.Invalid, "%s is a %s where a %s belongs", h, kind, want)
	}
	return data, nil
}
