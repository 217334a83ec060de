package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Options say what Mirrors may do.
type Options struct {
	// Dir holds the mirrors. No other process may use it at the same time.
	Dir string
	// Credentials may be nil: then only public repositories can be read.
	Credentials Credentials
	// Files lets applications name repositories by file URL. Who may write
	// applications could then read every repository on this machine.
	Files bool
}

// Mirrors opens commits of any number of repositories. It may be used by
// several goroutines; conversations with one repository take turns.
type Mirrors struct {
	options Options
	mu      sync.Mutex
	repos   map[string]*repository
}

// New returns Mirrors that knows no repository yet.
func New(o Options) *Mirrors {
	if o.Credentials == nil {
		o.Credentials = Public{}
	}
	return &Mirrors{options: o, repos: map[string]*repository{}}
}

// Poll asks a repository for its refs, in one query, and tells whether they
// are others than at the last time. When the query fails the last refs stay.
func (m *Mirrors) Poll(ctx context.Context, url string) (changed bool, err error) {
	r, err := m.repository(url)
	if err != nil {
		return false, fmt.Errorf("poll %s: %w", redact(url), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed, err = r.poll(ctx)
	if err != nil {
		return false, fmt.Errorf("poll %s: %w", redact(url), classify(err))
	}
	return changed, nil
}

// Resolve names the commit of a revision as of the last Poll, and polls where
// there was none. It does not fetch: only Repo, Ref and SHA are filled.
func (m *Mirrors) Resolve(ctx context.Context, url, revision string) (snapshot.Commit, error) {
	r, err := m.repository(url)
	if err != nil {
		return snapshot.Commit{}, fmt.Errorf("resolve %s: %w", redact(url), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.resolve(ctx, revision)
	if err != nil {
		return snapshot.Commit{}, fmt.Errorf("resolve %s at %s: %w", redact(url), shown(revision), classify(err))
	}
	return snapshot.Commit{Repo: url, Ref: revision, SHA: t.hash.String()}, nil
}

// Tree opens the files of a revision as of the last Poll, fetching the commit
// where the mirror lacks it. Trees of one commit share their cache.
func (m *Mirrors) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	url, revision := at.RepoURL, at.Revision
	r, err := m.repository(url)
	if err != nil {
		return snapshot.Tree{}, fmt.Errorf("open %s: %w", redact(url), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.resolve(ctx, revision)
	if err == nil {
		var files *files
		if files, err = r.open(ctx, t); err == nil {
			commit := files.commit
			commit.Repo, commit.Ref = url, revision
			return snapshot.Tree{Commit: commit, FS: files}, nil
		}
	}
	return snapshot.Tree{}, fmt.Errorf("open %s at %s: %w", redact(url), shown(revision), classify(err))
}

// Forget drops what is kept in memory of a repository.
func (m *Mirrors) Forget(url string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.repos, Normalize(url))
}

func (m *Mirrors) repository(url string) (*repository, error) {
	key := Normalize(url)
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.repos[key]; ok {
		return r, nil
	}
	url = strings.TrimRight(strings.TrimSpace(url), "/")
	ep, err := transport.NewEndpoint(url)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("the repository URL: %w", err))
	}
	r := &repository{url: url, endpoint: ep, credentials: m.options.Credentials}
	switch ep.Protocol {
	case "file":
		if !m.options.Files {
			return nil, fault.New(fault.Denied, "repositories on the agent's own disk are off; start it with --allow-file-repositories to permit them")
		}
		r.path = filepath.Clean(ep.Path)
	case "http", "https", "ssh":
		sum := sha256.Sum256([]byte(key))
		r.path = filepath.Join(m.options.Dir, hex.EncodeToString(sum[:10])+".git")
	default:
		return nil, fault.New(fault.Invalid, "repositories are read over http, https, ssh or file, not %s", ep.Protocol)
	}
	m.repos[key] = r
	return r, nil
}

// shown is a revision as error messages name it.
func shown(revision string) string {
	if revision == "" {
		return "HEAD"
	}
	return revision
}

// redact takes a password out of a URL that goes into a message.
func redact(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	at := strings.LastIndex(strings.SplitN(rest, "/", 2)[0], "@")
	if at < 0 {
		return url
	}
	user, _, _ := strings.Cut(rest[:at], ":")
	return scheme + "://" + user + rest[at:]
}

// errMoved means that a ref went on between the query and the fetch.
var errMoved = errors.New("the revision moved while it was fetched")
