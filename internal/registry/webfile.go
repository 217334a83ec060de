package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// FileOptions say which files of web servers may be read.
type FileOptions struct {
	// Schemes are http and https, or one of them; none permits no file.
	Schemes []string
	// PrivateHosts are hosts, with a port or without, that may be at addresses
	// which are not public. All others are refused there.
	PrivateHosts []string
}

// webFile is one file on a web server. It is asked for again only where the
// server says, or its content shows, that it changed.
type webFile struct {
	repo    *repository
	options FileOptions
	name    string // in the tree

	last           found // zero: never read
	etag, modified string
	stale          bool
}

// Bounds of a conversation about a file.
const (
	fileTime     = 30 * time.Second
	maxRedirects = 5
)

func newWebFile(r *repository, at snapshot.Location, o FileOptions) (*webFile, error) {
	u, err := url.Parse(at.RepoURL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "its URL cannot be read") // a password may be in it
	}
	if err := o.permits(u); err != nil {
		return nil, err
	}
	switch {
	case u.Host == "":
		return nil, fault.New(fault.Invalid, "its URL names no host")
	case u.User != nil:
		return nil, fault.New(fault.Invalid, "its URL holds a user: credentials belong into a repository secret")
	case strings.Trim(u.Path, "/") == "" || strings.HasSuffix(u.Path, "/"):
		return nil, fault.New(fault.Invalid, "its URL names no file")
	case strings.Contains(u.Path, `\`) || slices.ContainsFunc(strings.Split(u.Path, "/"), dots):
		// What a project permits by its beginning must not lead elsewhere.
		return nil, fault.New(fault.Invalid, "its URL leads out of its own folders; write it without . and ..")
	}
	return &webFile{repo: r, options: o, name: at.FileName()}, nil
}

// dots reports a part of a path that leads nowhere or up, for servers too that
// leave out what follows a semicolon.
func dots(part string) bool {
	name, _, _ := strings.Cut(part, ";")
	return name == "." || name == ".."
}

// permits refuses schemes that the operator does not allow.
func (o FileOptions) permits(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fault.New(fault.Denied, "files are read over https and http, not %s", u.Scheme)
	case !slices.Contains(o.Schemes, u.Scheme):
		return fault.New(fault.Denied, "files are not read over %s here; the operator permits it with --helm-value-file-schemes, "+
			"or put the file into a repository and name that as a source with a ref", u.Scheme)
	}
	return nil
}

func (w *webFile) close() {}

func (w *webFile) refresh(context.Context) error {
	w.stale = true
	return nil
}

func (w *webFile) resolve(ctx context.Context, _ question) (found, error) {
	if w.last.digest != "" && !w.stale {
		return w.last, nil
	}
	if err := w.load(ctx, w.last.digest != ""); err != nil {
		return found{}, err
	}
	return w.last, nil
}

func (w *webFile) held(f found) *files { return w.repo.registry.openFile(f.digest, w.name) }

// fetch is for content that was known and is not held any more. The file may
// be another one by now: then the next Poll tells.
func (w *webFile) fetch(ctx context.Context, f found) (*files, error) {
	if err := w.load(ctx, false); err != nil {
		return nil, err
	}
	if w.last.digest != f.digest {
		return nil, errors.New("it is another file than at the last poll")
	}
	if held := w.held(f); held != nil {
		return held, nil
	}
	return nil, errors.New("it was read, and is not held any more")
}

// load asks the server. Where it is asked for news only, and has none, what was
// last stays.
func (w *webFile) load(ctx context.Context, news bool) error {
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	defer cancel()
	auth, err := w.repo.registry.credentials.For(ctx, w.repo.base)
	if err != nil {
		return fmt.Errorf("find the credentials: %w", err)
	}
	transport, err := newGuard(auth, w.options.PrivateHosts)
	if err != nil {
		return err
	}
	defer transport.close() // the next question comes in minutes
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.repo.url, nil)
	if err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	if news && w.etag != "" {
		req.Header.Set("If-None-Match", w.etag)
	}
	if news && w.modified != "" {
		req.Header.Set("If-Modified-Since", w.modified)
	}
	data, header, err := w.repo.registry.get(&http.Client{Transport: transport, CheckRedirect: w.follow}, req, auth, snapshot.MaxFileSize)
	if err != nil {
		return err
	}
	w.stale = false
	if header == nil {
		return nil
	}
	if kind, _, _ := strings.Cut(header.Get("Content-Type"), ";"); kind == "text/html" && bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		return fault.New(fault.Invalid, "get %s: the server answers with a web page; is there an address of the raw file?", repourl.Redact(w.repo.url))
	}
	digest := digestOf(data)
	w.etag, w.modified = header.Get("ETag"), header.Get("Last-Modified")
	w.last = found{digest: digest, commit: snapshot.Commit{SHA: "sha256:" + digest, Subject: "file " + w.name}}
	if t, err := http.ParseTime(w.modified); err == nil {
		w.last.commit.Time = t.UTC()
	}
	return w.repo.registry.keepFile(data, digest, w.name)
}

// follow checks where a server sends us; the addresses are the guard's.
func (w *webFile) follow(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fault.New(fault.Invalid, "the server redirects more than %d times", maxRedirects)
	}
	req.Header.Del("Referer") // a query may hold a token
	if err := w.options.permits(req.URL); err != nil {
		return fmt.Errorf("the server redirects to %s: %w", repourl.Redact(req.URL.String()), err)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fault.New(fault.Denied, "the server redirects from https to %s", repourl.Redact(req.URL.String()))
	}
	return nil
}

// openFile gives the tree of one file that is in memory or on disk; nil is
// neither.
func (r *Registry) openFile(digest, name string) *files {
	key := fileKey(digest, name)
	if f := r.trees.get(key); f != nil {
		return f
	}
	data := r.store.get(digest)
	if data == nil {
		return nil
	}
	f, err := single(name, data)
	if err != nil {
		return nil // whoever fetches it again tells why
	}
	return r.trees.put(key, f)
}

// keepFile stores a file and opens it. One that cannot be stored is opened
// nevertheless: a full disk must not stop a sync.
func (r *Registry) keepFile(data []byte, digest, name string) error {
	f, err := single(name, data)
	if err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	_ = r.store.put(data) // it is fetched again, at worst
	r.trees.put(fileKey(digest, name), f)
	return nil
}

// fileKey is never an archive's: those have no name in it.
func fileKey(digest, name string) treeKey { return treeKey{digest: name + " " + digest} }

func single(name string, data []byte) (*files, error) {
	f := newFiles()
	if err := f.add(name, data); err != nil {
		return nil, err
	}
	f.seal()
	return f, nil
}
