package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

// Store is a bare Git repository on disk that holds some commits without
// their history. Its Set may be asked for at any time; Add and Compact take
// turns, which is up to the caller.
type Store struct {
	dir   string
	cache *Cache
	set   atomic.Pointer[Set]
	held  atomic.Pointer[[]plumbing.Hash]
}

// marker is in the configuration of repositories that a Store made. One of
// another form is a copy of what the server has, and is made anew.
const marker = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[trueup]\n\tmirror = 1\n"

// Open opens the repository in dir, or makes one.
func Open(dir string, cache *Cache) (*Store, error) {
	s := &Store{dir: dir, cache: cache}
	if data, err := os.ReadFile(filepath.Join(dir, "config")); err != nil || string(data) != marker {
		if err := s.create(); err != nil {
			return nil, fmt.Errorf("create the mirror: %w", err)
		}
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open the mirror: %w", err)
	}
	return s, nil
}

func (s *Store) create() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	for _, dir := range []string{"objects/pack", "refs"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "config"), []byte(marker), 0o600)
}

func (s *Store) packs() string { return filepath.Join(s.dir, "objects", "pack") }

// load opens what is whole, and removes what a crash left half-written.
func (s *Store) load() error {
	names, err := os.ReadDir(s.packs())
	if err != nil {
		return err
	}
	set := &Set{cache: s.cache}
	whole := map[string]bool{}
	for _, n := range names {
		path, ok := strings.CutSuffix(filepath.Join(s.packs(), n.Name()), ".idx")
		if !ok {
			continue
		}
		if f, err := openFile(path); err == nil {
			set.files = append(set.files, f)
			whole[path] = true
		}
	}
	for _, n := range names {
		name := filepath.Join(s.packs(), n.Name())
		if !whole[strings.TrimSuffix(name, filepath.Ext(name))] {
			_ = os.Remove(name) // what stays is removed the next time
		}
	}
	s.set.Store(set)
	held, err := s.readHeld()
	if err != nil {
		return err
	}
	// A commit whose pack did not survive is fetched again.
	held = slices.DeleteFunc(held, func(h plumbing.Hash) bool { return !set.Has(h) })
	s.held.Store(&held)
	return nil
}

// Set returns the packs that are there now.
func (s *Store) Set() *Set { return s.set.Load() }

// Held lists the commits that are there with all their files, oldest first.
func (s *Store) Held() []plumbing.Hash { return *s.held.Load() }

// Holds tells whether a commit is there with all its files.
func (s *Store) Holds(h plumbing.Hash) bool { return slices.Contains(s.Held(), h) }

// Add takes in a pack that makes a commit complete, which want names or is a
// tag of. It is all there, or none of it.
func (s *Store) Add(ctx context.Context, pack io.Reader, want plumbing.Hash) error {
	next, err := s.taken(ctx, pack)
	if err != nil {
		return err
	}
	commit, _, err := Peel(next, want)
	if errors.Is(err, ErrAbsent) {
		return fmt.Errorf("the server sent a pack without %s", want)
	}
	if err != nil {
		return err
	}
	s.set.Store(next)
	if s.Holds(commit) {
		return nil
	}
	return s.hold(append(slices.Clone(s.Held()), commit))
}

// Take takes in a pack that makes no commit complete: a part of a history, or
// single files. All of it is there, or none.
func (s *Store) Take(ctx context.Context, pack io.Reader) error {
	next, err := s.taken(ctx, pack)
	if err == nil {
		s.set.Store(next)
	}
	return err
}

// taken writes a pack down, and returns what is there with it.
func (s *Store) taken(ctx context.Context, pack io.Reader) (*Set, error) {
	now := s.Set()
	f, err := s.write(func(out *os.File) ([]entry, plumbing.Hash, error) { return index(ctx, pack, out, now) })
	if err != nil {
		return nil, err
	}
	next := &Set{cache: s.cache, files: now.files}
	if f != nil && !slices.ContainsFunc(now.files, func(old *file) bool { return old.path == f.path }) {
		next.files = append([]*file{f}, now.files...)
	}
	return next, nil
}

// Doubt empties the repository, because something of it is missing or
// damaged: what is wanted is fetched again, in full.
func (s *Store) Doubt() error {
	now := s.Set()
	s.set.Store(&Set{cache: s.cache})
	return errors.Join(s.hold(nil), remove(now.files, ""))
}

// remove takes packs off the disk, except for one.
func remove(files []*file, except string) error {
	var failed []error
	for _, f := range files {
		if f.path == except {
			continue
		}
		for _, name := range []string{f.path + ".idx", f.path + ".pack"} {
			if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// write makes a pack and its index, the index last: without one a pack does
// not count. There is no file for a pack without objects. Nothing is synced to
// the disk, which can take seconds: what a power cut damages is found by its
// checksum when it is read, and fetched again.
func (s *Store) write(make func(*os.File) ([]entry, plumbing.Hash, error)) (*file, error) {
	out, err := os.CreateTemp(s.packs(), "tmp-*.pack")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name()) //nolint:errcheck // it is gone where all went well
	entries, sum, err := make(out)
	if err := errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, nil
	}
	idx, err := os.CreateTemp(s.packs(), "tmp-*.idx")
	if err != nil {
		return nil, err
	}
	defer os.Remove(idx.Name()) //nolint:errcheck // as above
	err = writeIndex(idx, entries, sum)
	if err := errors.Join(err, idx.Close()); err != nil {
		return nil, err
	}
	path := filepath.Join(s.packs(), "pack-"+sum.String())
	if err := errors.Join(os.Rename(out.Name(), path+".pack"), os.Rename(idx.Name(), path+".idx")); err != nil {
		return nil, err
	}
	return openFile(path)
}

// heldPrefix is where the commits that are held have refs, for whoever looks
// into a mirror with git itself.
const heldPrefix = "refs/trueup/"

func (s *Store) readHeld() ([]plumbing.Hash, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, "packed-refs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var held []plumbing.Hash
	for line := range strings.Lines(string(data)) {
		if sha, _, ok := strings.Cut(line, " "+heldPrefix); ok && plumbing.IsHash(sha) {
			held = append(held, plumbing.NewHash(sha))
		}
	}
	return held, nil
}

// hold writes down which commits are held. Each counts as shallow.
func (s *Store) hold(held []plumbing.Hash) error {
	var refs, shallow strings.Builder
	for i, h := range held {
		fmt.Fprintf(&refs, "%s %s%06d\n", h, heldPrefix, i)
		fmt.Fprintf(&shallow, "%s\n", h)
	}
	if err := errors.Join(s.replace("shallow", shallow.String()), s.replace("packed-refs", refs.String())); err != nil {
		return err
	}
	s.held.Store(&held)
	return nil
}

func (s *Store) replace(name, content string) error {
	f, err := os.CreateTemp(s.dir, "tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone where all went well
	w := bufio.NewWriter(f)
	_, _ = w.WriteString(content) // Flush tells
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, name))
}
