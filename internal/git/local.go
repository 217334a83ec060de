package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// local is a repository on this machine, read where it is, in any of the
// forms that git leaves one in.
type local struct {
	path string

	mu      sync.Mutex // go-git's storage is for one reader at a time
	storage *filesystem.Storage
	// peeled are the commits behind what refs named the last time: which
	// commit an object is about never changes.
	peeled map[plumbing.Hash]plumbing.Hash
}

// objectCache bounds the objects that go-git keeps in memory, for deltas.
const objectCache = 2 * cache.MiByte

func (l *local) open() (*filesystem.Storage, error) {
	if l.storage != nil {
		return l.storage, nil
	}
	dir := l.path
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		dir = filepath.Join(dir, ".git")
	}
	if _, err := os.Stat(filepath.Join(dir, "objects")); err != nil {
		return nil, fmt.Errorf("%s: %w", l.path, transport.ErrRepositoryNotFound)
	}
	l.storage = filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRU(objectCache),
		filesystem.Options{LargeObjectThreshold: snapshot.MaxFileSize})
	return l.storage, nil
}

func (l *local) refs(context.Context, []string) ([]wire.Ref, error) {
	l.mu.Lock()
	s, err := l.open()
	known := l.peeled
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	peeled := make(map[plumbing.Hash]plumbing.Hash, len(known))
	iter, err := s.IterReferences()
	if err != nil {
		return nil, err
	}
	var all []wire.Ref
	byName := map[string]wire.Ref{}
	head := ""
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		r := wire.Ref{Name: ref.Name().String(), Hash: ref.Hash(), Target: ref.Target().String()}
		if ref.Type() == plumbing.SymbolicReference {
			if r.Name == "HEAD" {
				head = r.Target
			}
			return nil
		}
		commit, ok := known[r.Hash]
		if !ok {
			var err error
			commit, _, err = pack.Peel(l, r.Hash)
			ok = err == nil
		}
		if ok {
			peeled[r.Hash] = commit
			if commit != r.Hash {
				r.Peeled = commit
			}
		}
		all = append(all, r)
		byName[r.Name] = r
		return nil
	})
	l.mu.Lock()
	l.peeled = peeled
	l.mu.Unlock()
	if branch, ok := byName[head]; ok {
		all = append(all, wire.Ref{Name: "HEAD", Hash: branch.Hash, Target: head})
	}
	return all, err
}

func (l *local) objects() (objects, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.open()
	return l, err
}

func (l *local) holds(plumbing.Hash) (bool, error) { return true, nil }

func (l *local) bring(_ context.Context, t target) error {
	return fault.New(fault.Missing, "the repository has no commit %s", t.hash)
}

// Read implements objects.
func (l *local) Read(h plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, err := l.object(h)
	if err != nil {
		return 0, nil, err
	}
	if o.Size() > snapshot.MaxFileSize*4 {
		return 0, nil, fault.New(fault.Invalid, "the object %s is larger than %d MiB", h, snapshot.MaxFileSize*4>>20)
	}
	r, err := o.Reader()
	if err != nil {
		return 0, nil, err
	}
	data := make([]byte, o.Size())
	_, err = io.ReadFull(r, data)
	return o.Type(), data, errors.Join(err, r.Close())
}

// object looks again where somebody may have packed it since.
func (l *local) object(h plumbing.Hash) (plumbing.EncodedObject, error) {
	o, err := l.storage.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		l.storage.Reindex()
		o, err = l.storage.EncodedObject(plumbing.AnyObject, h)
	}
	return o, err
}

// Size implements objects.
func (l *local) Size(h plumbing.Hash) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, err := l.storage.EncodedObjectSize(h)
	if err != nil {
		l.storage.Reindex()
		size, err = l.storage.EncodedObjectSize(h)
	}
	return size, err
}
