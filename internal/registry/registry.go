package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Options say what a Registry may use.
type Options struct {
	// Dir keeps archives; it holds at most Disk bytes (2 GiB where 0).
	Dir  string
	Disk int64
	// Memory bounds the bytes of the trees that stay open (256 MiB where 0).
	Memory int64
	// Credentials may be nil: then only public repositories can be read.
	Credentials Credentials
	// Files says which files of web servers may be read; the zero value permits
	// none.
	Files FileOptions
	// UserAgent is how requests name themselves.
	UserAgent string
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Registry opens charts and artifacts of any number of repositories. It may
// be used by several goroutines; conversations with one repository take turns,
// and what was opened before waits for none of them.
type Registry struct {
	credentials Credentials
	userAgent   string
	files       FileOptions
	store       *store
	trees       *trees
	now         func() time.Time

	mu    sync.Mutex
	repos map[string]*repository // by normalized URL, and chart where it is OCI
}

const (
	defaultDisk   = 2 << 30
	defaultMemory = 256 << 20
)

// New returns a Registry that knows no repository yet.
func New(o Options) *Registry {
	if o.Credentials == nil {
		o.Credentials = Public{}
	}
	if o.Disk == 0 {
		o.Disk = defaultDisk
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.UserAgent == "" {
		o.UserAgent = "trueup"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Files.PrivateHosts = slices.Clone(o.Files.PrivateHosts)
	for i, host := range o.Files.PrivateHosts {
		o.Files.PrivateHosts[i] = strings.ToLower(host)
	}
	return &Registry{
		credentials: o.Credentials, userAgent: o.UserAgent, files: o.Files, repos: map[string]*repository{},
		store: &store{dir: o.Dir, limit: o.Disk, now: o.Now}, trees: newTrees(o.Memory), now: o.Now,
	}
}

// Serves tells whether a location is this package's: a chart, an OCI artifact,
// or a file. All others are Git's.
func Serves(at snapshot.Location) bool { return at.Chart != "" || at.File || isOCI(at.RepoURL) }

// Tree opens what a location stands for as of the last Poll, asking for it
// where there was none.
func (r *Registry) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	repo, err := r.repository(at)
	if err != nil {
		return snapshot.Tree{}, fmt.Errorf("open %s: %w", shown(at), err)
	}
	tree, err := repo.tree(ctx, at)
	if err != nil {
		return snapshot.Tree{}, fmt.Errorf("open %s: %w", shown(at), classify(err))
	}
	tree.Commit.Repo, tree.Commit.Ref = at.RepoURL, at.Revision
	return tree, nil
}

// Holds tells whether anything was opened below a URL.
func (r *Registry) Holds(url string) bool { return len(r.below(url)) > 0 }

// Poll asks anew what everything that was opened below a URL stands for, and
// tells whether anything stands for something else now. What cannot be asked
// stays as it was.
func (r *Registry) Poll(ctx context.Context, url string) (changed bool, err error) {
	var failures []error
	for _, repo := range r.below(url) {
		moved, err := repo.poll(ctx)
		changed = changed || moved
		if err != nil {
			failures = append(failures, fmt.Errorf("poll %s: %w", repourl.Redact(repo.url), classify(err)))
		}
	}
	return changed, errors.Join(failures...)
}

// Forget drops what is known of everything below a URL.
func (r *Registry) Forget(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, repo := range r.repos {
		if repourl.Normalize(repo.base) == repourl.Normalize(url) {
			delete(r.repos, key)
			repo.close()
		}
	}
}

func (r *Registry) below(url string) []*repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*repository
	for _, repo := range r.repos {
		if repourl.Normalize(repo.base) == repourl.Normalize(url) {
			out = append(out, repo)
		}
	}
	return out
}

// repository finds who is asked about a location. All charts of a Helm
// repository share its index; every repository of an OCI registry is alone.
func (r *Registry) repository(at snapshot.Location) (*repository, error) {
	if at.File {
		return r.file(at)
	}
	url := strings.TrimRight(strings.TrimSpace(at.RepoURL), "/")
	scheme, rest, hasScheme := strings.Cut(url, "://")
	oci := !hasScheme || scheme == "oci"
	if !hasScheme {
		rest = url
	}
	switch {
	case rest == "":
		return nil, fault.New(fault.Invalid, "the repository URL names no host")
	case !oci && at.Chart == "":
		return nil, fault.New(fault.Invalid, "a Helm repository holds charts: name one")
	case !oci && scheme != "http" && scheme != "https":
		return nil, fault.New(fault.Invalid, "charts are read over http, https or oci, not %s", scheme)
	}
	key := repourl.Normalize(url)
	if oci {
		if at.Chart != "" {
			rest += "/" + strings.Trim(at.Chart, "/")
		}
		key = repourl.Normalize(url) + " " + at.Chart
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if repo, ok := r.repos[key]; ok {
		return repo, nil
	}
	repo := r.newRepository(url)
	if oci {
		o, err := newOCI(repo, rest)
		if err != nil {
			return nil, err
		}
		repo.url, repo.source = "oci://"+rest, o
	} else {
		repo.source = &helmRepository{repo: repo}
	}
	r.repos[key] = repo
	return repo, nil
}

// file finds who is asked about a file: each is alone.
func (r *Registry) file(at snapshot.Location) (*repository, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := "file " + at.RepoURL
	if repo, ok := r.repos[key]; ok {
		return repo, nil
	}
	repo := r.newRepository(at.RepoURL)
	w, err := newWebFile(repo, at, r.files)
	if err != nil {
		return nil, err
	}
	repo.source = w
	r.repos[key] = repo
	return repo, nil
}

func (r *Registry) newRepository(url string) *repository {
	return &repository{registry: r, base: url, url: url, turn: make(chan struct{}, 1), known: map[question]answer{}}
}

func isOCI(url string) bool { return strings.HasPrefix(strings.TrimSpace(url), "oci://") }

// shown is a location as messages name it.
func shown(at snapshot.Location) string {
	text := repourl.Redact(at.RepoURL)
	if at.File {
		return "the file " + text
	}
	if at.Chart != "" {
		text = "chart " + at.Chart + " of " + text
	}
	if at.Revision == "" {
		return text + " at its newest version"
	}
	return text + " at " + at.Revision
}
