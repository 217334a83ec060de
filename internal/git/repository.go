package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// repository is one mirror, or one repository that is read in place.
type repository struct {
	url         string
	endpoint    *transport.Endpoint
	path        string
	credentials Credentials

	mu      sync.Mutex // guards what follows
	known   bool       // refs were asked for
	refs    refs
	storage *filesystem.Storage
	reading sync.Mutex // go-git's storage is for one reader at a time
	trees   []*files   // of the commits opened last, newest last
}

// keptTrees is the number of commits whose trees stay in memory: what
// branches and tags of one repository applications commonly follow at once.
const keptTrees = 8

// objectCache bounds the objects that go-git keeps in memory, for deltas.
const objectCache = 2 * cache.MiByte

func (r *repository) local() bool { return r.endpoint.Protocol == "file" }

// store opens the repository's objects, creating an empty mirror where there
// is none.
func (r *repository) store() (*filesystem.Storage, error) {
	if r.storage != nil {
		return r.storage, nil
	}
	dir := r.path
	if r.local() {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			dir = filepath.Join(dir, ".git")
		}
		if _, err := os.Stat(filepath.Join(dir, "objects")); err != nil {
			return nil, fmt.Errorf("%s: %w", r.path, transport.ErrRepositoryNotFound)
		}
	}
	s := filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRU(objectCache),
		filesystem.Options{LargeObjectThreshold: snapshot.MaxFileSize})
	if !r.local() {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if _, err := gogit.Init(s, nil); err != nil && !errors.Is(err, gogit.ErrRepositoryAlreadyExists) {
			return nil, fmt.Errorf("create the mirror: %w", err)
		}
	}
	r.storage = s
	return s, nil
}

func (r *repository) poll(ctx context.Context) (bool, error) {
	all, err := r.list(ctx)
	if err != nil {
		return false, err
	}
	now := newRefs(all)
	changed := !r.known || !now.equal(r.refs)
	r.known, r.refs = true, now
	return changed, nil
}

func (r *repository) list(ctx context.Context) ([]*plumbing.Reference, error) {
	s, err := r.store()
	if err != nil {
		return nil, err
	}
	if r.local() {
		return r.listLocal(s)
	}
	auth, method, err := r.auth(ctx)
	if err != nil {
		return nil, err
	}
	return r.remote(s).ListContext(ctx, &gogit.ListOptions{
		Auth: method, InsecureSkipTLS: auth.Insecure, CABundle: auth.CA, PeelingOption: gogit.AppendPeeled,
	})
}

func (r *repository) listLocal(s *filesystem.Storage) ([]*plumbing.Reference, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	iter, err := s.IterReferences()
	if err != nil {
		return nil, err
	}
	var all []*plumbing.Reference
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		all = append(all, ref)
		if tag, err := object.GetTag(s, ref.Hash()); err == nil {
			all = append(all, plumbing.NewHashReference(ref.Name()+"^{}", tag.Target))
		}
		return nil
	})
	return all, err
}

func (r *repository) auth(ctx context.Context) (Auth, transport.AuthMethod, error) {
	auth, err := r.credentials.For(ctx, r.url)
	if err != nil {
		return Auth{}, nil, fmt.Errorf("find the credentials: %w", err)
	}
	method, err := auth.method(r.endpoint)
	return auth, method, err
}

func (r *repository) remote(s *filesystem.Storage) *gogit.Remote {
	return gogit.NewRemote(s, &config.RemoteConfig{Name: "origin", URLs: []string{r.url}})
}

func (r *repository) resolve(ctx context.Context, revision string) (target, error) {
	if !r.known && !fullSHA.MatchString(revision) {
		if _, err := r.poll(ctx); err != nil {
			return target{}, err
		}
	}
	return r.refs.resolve(revision)
}

// open gives the files of a commit, fetched where they are not there.
func (r *repository) open(ctx context.Context, t target) (*files, error) {
	for _, f := range r.trees {
		if f.commit.SHA == t.hash.String() {
			return f, nil
		}
	}
	s, err := r.store()
	if err != nil {
		return nil, err
	}
	commit, err := r.commit(s, t.hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) && !r.local() {
		if err := r.fetch(ctx, s, t); err != nil {
			return nil, err
		}
		commit, err = r.commit(s, t.hash)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fault.New(fault.Missing, "the repository has no commit %s", t.hash)
	}
	if err != nil {
		return nil, err
	}
	f := newFiles(s, &r.reading, commit)
	r.trees = append(r.trees, f)
	if len(r.trees) > keptTrees {
		r.trees = append(r.trees[:0:0], r.trees[1:]...)
	}
	return f, nil
}

func (r *repository) commit(s *filesystem.Storage, hash plumbing.Hash) (*object.Commit, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	commit, err := object.GetCommit(s, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		s.Reindex() // somebody may have packed it since we looked
		commit, err = object.GetCommit(s, hash)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		if tag, tagErr := object.GetTag(s, hash); tagErr == nil {
			return tag.Commit()
		}
	}
	return commit, err
}

// fetch brings one commit without its history into the mirror. Servers that
// do not give out commits by id are asked for the ref, and at the very last
// for everything.
func (r *repository) fetch(ctx context.Context, s *filesystem.Storage, t target) error {
	auth, method, err := r.auth(ctx)
	if err != nil {
		return err
	}
	keep := "refs/trueup/" + t.hash.String()
	specs := []struct {
		spec  string
		depth int
	}{
		{t.name + ":" + keep, 1},
		{t.hash.String() + ":" + keep, 1},
		{"refs/heads/*:refs/heads/*", 0},
	}
	if t.name == "" {
		specs = specs[1:]
	}
	var failures []error
	for _, spec := range specs {
		if strings.HasPrefix(spec.spec, "HEAD:") {
			continue
		}
		r.reading.Lock()
		err := r.remote(s).FetchContext(ctx, &gogit.FetchOptions{
			RemoteName: "origin", RefSpecs: []config.RefSpec{config.RefSpec("+" + spec.spec)}, Depth: spec.depth,
			Auth: method, Tags: gogit.NoTags, Force: true, InsecureSkipTLS: auth.Insecure, CABundle: auth.CA,
		})
		r.reading.Unlock()
		if err != nil && !errors.Is(err, gogit.NoErrAlreadyUpToDate) {
			failures = append(failures, err)
			if ctx.Err() != nil || fault.Of(classify(err)) == fault.Denied {
				break
			}
			continue
		}
		if _, err := r.commit(s, t.hash); err == nil {
			return nil
		}
		failures = append(failures, errMoved)
	}
	return fmt.Errorf("fetch %s: %w", t.hash.String()[:7], errors.Join(failures...))
}
