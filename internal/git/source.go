package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// objects reads what a repository holds, for any number of goroutines.
type objects interface {
	Read(h plumbing.Hash) (plumbing.ObjectType, []byte, error)
	Size(h plumbing.Hash) (int64, error)
}

// source is where a repository's commits come from.
type source interface {
	// refs lists the refs that begin with one of the prefixes, and may list
	// others.
	refs(ctx context.Context, prefixes []string) ([]wire.Ref, error)
	// objects reads what is there; holds tells whether all of a commit is.
	objects() (objects, error)
	holds(h plumbing.Hash) (bool, error)
	// bring fetches a commit that is not there.
	bring(ctx context.Context, t target) error
	// push updates a ref to a commit that objects hold.
	push(ctx context.Context, u wire.Update, objects []made) error
}

// mirrored is a repository on a server with its mirror on disk.
type mirrored struct {
	url         string
	dir         string
	remote      *wire.Remote
	credentials Credentials
	cache       *pack.Cache
	now         func() time.Time
	backoff     fault.Memory // of questions for refs
	fetches     fault.Memories[plumbing.Hash]

	mu    sync.Mutex
	store *pack.Store
}

// opened returns the mirror, made where there is none.
func (m *mirrored) opened() (*pack.Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.store != nil {
		return m.store, nil
	}
	if err := os.MkdirAll(filepath.Dir(m.dir), 0o700); err != nil {
		return nil, fmt.Errorf("create the mirror: %w", err)
	}
	s, err := pack.Open(m.dir, m.cache)
	if m.store = s; err == nil {
		now := m.now()
		_ = os.Chtimes(m.dir, now, now) // for Sweep: it is fetched again, at worst
	}
	return s, err
}

// remove takes the mirror off the disk; who has something open keeps it.
func (m *mirrored) remove() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store = nil
	return os.RemoveAll(m.dir)
}

func (m *mirrored) auth(ctx context.Context) (Auth, error) {
	auth, err := m.credentials.For(ctx, m.url)
	if err != nil {
		return Auth{}, fmt.Errorf("find the credentials: %w", err)
	}
	return auth, nil
}

func (m *mirrored) refs(ctx context.Context, prefixes []string) ([]wire.Ref, error) {
	auth, err := m.auth(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.backoff.Last(auth, m.now()); err != nil {
		return nil, err
	}
	all, err := m.remote.Refs(ctx, auth, prefixes)
	return all, m.backoff.Note(auth, m.now(), err)
}

func (m *mirrored) objects() (objects, error) {
	s, err := m.opened()
	if err != nil {
		return nil, err
	}
	return s.Set(), nil
}

func (m *mirrored) holds(h plumbing.Hash) (bool, error) {
	s, err := m.opened()
	return err == nil && s.Holds(h), err
}

// Bounds of a fetch.
const (
	fetchTime = 30 * time.Minute
	// maxHave is how many commits a server is told that we have.
	maxHave = 16
)

func (m *mirrored) bring(ctx context.Context, t target) error {
	auth, err := m.auth(ctx)
	if err != nil {
		return err
	}
	if err := m.fetches.Last(t.hash, auth, m.now()); err != nil {
		return told{err}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	taken, err := m.fetch(ctx, auth, t)
	if err != nil {
		err = fmt.Errorf("fetch %s: %w", t.hash.String()[:7], err)
	}
	kind := fault.Of(classify(err))
	return m.fetches.Note(t.hash, auth, m.now(), taken || kind == fault.Missing || kind == fault.Invalid, err)
}

// fetch tells, too, whether the server began to send a pack.
func (m *mirrored) fetch(ctx context.Context, auth Auth, t target) (taken bool, err error) {
	s, err := m.opened()
	if err != nil {
		return false, err
	}
	have := s.Held()
	have = have[max(0, len(have)-maxHave):]
	var failed error // while the pack was taken in
	take := func(r io.Reader) error {
		taken = true
		failed = s.Add(ctx, r, t.want)
		return failed
	}
	err = m.remote.Fetch(ctx, auth, wire.Wanted{Want: t.want, Have: have}, take)
	if failed != nil && len(have) > 0 && ctx.Err() == nil && fault.Of(failed) == fault.Transient {
		// Maybe something is not there that we said we have.
		if again := s.Doubt(); again != nil {
			return taken, errors.Join(err, again)
		}
		err = m.remote.Fetch(ctx, auth, wire.Wanted{Want: t.want}, take)
	}
	return taken, err
}
