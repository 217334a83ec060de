package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/repourl"
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
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// cacheSize bounds the folders and delta bases that all repositories keep in
// memory, in bytes.
const cacheSize = 48 << 20

// Mirrors opens commits of any number of repositories. It may be used by
// several goroutines. Conversations with one repository take turns, and
// nobody waits for them who asks for what is known and held.
type Mirrors struct {
	options Options
	cache   *pack.Cache
	tokens  *wire.Tokens
	// ctx ends with Close. Fetches go on without who asked for them, and files
	// are read without a context, though reading one may open a submodule.
	ctx    context.Context
	cancel context.CancelFunc
	going  sync.WaitGroup // what Close waits for; begun with mu held

	mu    sync.RWMutex
	repos map[string]*repository // by normalized URL
	named map[string]*repository // by URL as somebody wrote it
}

// New returns Mirrors that knows no repository yet.
func New(o Options) *Mirrors {
	if o.Credentials == nil {
		o.Credentials = Public{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Mirrors{
		options: o, cache: pack.NewCache(cacheSize), tokens: wire.NewTokens(o.Now),
		repos: map[string]*repository{}, named: map[string]*repository{},
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Close ends fetches and the conversations that readers of files began, and
// closes the connections that wait for the next.
func (m *Mirrors) Close() {
	m.mu.Lock()
	m.cancel()
	m.mu.Unlock()
	m.going.Wait()
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, r := range m.repos {
		r.hangUp()
	}
}

// Poll asks a repository for the refs that somebody uses, in one query, and
// tells whether they are others than at the last time. When the query fails
// the last refs stay.
func (m *Mirrors) Poll(ctx context.Context, url string) (changed bool, err error) {
	r, err := m.repository(url)
	if err == nil {
		changed, err = r.poll(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("poll %s: %w", Redact(url), classify(err))
	}
	return changed, nil
}

// Tidy drops from a repository's mirror what nobody follows, if there is
// much of it. Trees that somebody holds stay readable. It is for when nobody
// waits, after a Poll.
func (m *Mirrors) Tidy(ctx context.Context, url string) error {
	r, err := m.repository(url)
	if err == nil {
		err = r.tidy(ctx)
	}
	if err != nil {
		return fmt.Errorf("tidy the mirror of %s: %w", Redact(url), err)
	}
	return nil
}

// Holds tells whether anybody asked for a commit of a repository since it was
// last forgotten.
func (m *Mirrors) Holds(url string) bool {
	m.mu.RLock()
	r := m.repos[repourl.Normalize(url)]
	m.mu.RUnlock()
	return r != nil && r.held()
}

// Resolve names the commit of a revision as of the last Poll, and asks where
// that was not about it. It does not fetch: only Repo, Ref and SHA are filled.
func (m *Mirrors) Resolve(ctx context.Context, url, revision string) (snapshot.Commit, error) {
	w := wanted{revision: revision}
	r, err := m.repository(url)
	if err == nil {
		r.known(w)
		var t target
		if t, _, err = r.resolve(ctx, w); err == nil {
			return snapshot.Commit{Repo: url, Ref: revision, SHA: t.hash.String()}, nil
		}
	}
	return snapshot.Commit{}, fmt.Errorf("resolve %s at %s: %w", Redact(url), shown(revision), classify(err))
}

// Tree opens the files of a revision as of the last Poll, asking for refs and
// fetching the commit where that is needed.
func (m *Mirrors) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	r, err := m.repository(at.RepoURL)
	if err == nil {
		var f *files
		if f, err = r.tree(ctx, wanted{at.Revision, at.TagPrefix}); err == nil {
			commit := f.commit
			commit.Repo, commit.Ref = at.RepoURL, at.Revision
			return snapshot.Tree{Commit: commit, FS: f}, nil
		}
	}
	return snapshot.Tree{}, fmt.Errorf("open %s at %s: %w", Redact(at.RepoURL), shown(at.Revision), classify(err))
}

// Forget drops what is kept of a repository, in memory and on disk. Trees
// that somebody holds stay readable.
func (m *Mirrors) Forget(url string) {
	m.mu.RLock()
	r := m.repos[repourl.Normalize(url)]
	m.mu.RUnlock()
	if r != nil {
		_ = r.forget() // what stays on disk is found again, or replaced
	}
}

func (m *Mirrors) repository(url string) (*repository, error) {
	m.mu.RLock()
	r, ok := m.named[url]
	m.mu.RUnlock()
	if ok {
		return r, nil
	}
	key := repourl.Normalize(url)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.named) > maxNames {
		clear(m.named)
	}
	if r, ok := m.repos[key]; ok {
		m.named[url] = r
		return r, nil
	}
	r, err := m.add(strings.TrimRight(strings.TrimSpace(url), "/"), key)
	if err != nil {
		return nil, err
	}
	m.repos[key], m.named[url] = r, r
	return r, nil
}

// maxNames bounds the spellings of URLs that are remembered.
const maxNames = 10_000

func (m *Mirrors) add(url, key string) (*repository, error) {
	ep, err := transport.NewEndpoint(url)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the repository URL cannot be read") // a password may be in it
	}
	r := &repository{url: url, mirrors: m, asking: newTurn(), fetching: newTurn(), blaming: newTurn(), uses: map[wanted]*use{}}
	switch ep.Protocol {
	case "file":
		if !m.options.Files {
			return nil, fault.New(fault.Denied, "repositories on the agent's own disk are off; start it with --allow-file-repositories to permit them")
		}
		r.source = &local{path: filepath.Clean(ep.Path)}
	case "http", "https", "ssh":
		sum := sha256.Sum256([]byte(key))
		r.source = &mirrored{
			url: url, dir: filepath.Join(m.options.Dir, hex.EncodeToString(sum[:10])+".git"),
			remote: wire.New(ep, m.tokens), credentials: m.options.Credentials, cache: m.cache, now: m.options.Now,
		}
	default:
		return nil, fault.New(fault.Invalid, "repositories are read over http, https, ssh or file, not %s", ep.Protocol)
	}
	return r, nil
}

// shown is a revision as error messages name it.
func shown(revision string) string {
	if revision == "" {
		return "HEAD"
	}
	return revision
}

// Redact takes a password out of a URL that goes into a message.
func Redact(url string) string {
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
