package registry_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// site is a web server whose files change.
type site struct {
	mu        sync.Mutex
	files     map[string]string
	types     map[string]string // content types
	redirects map[string]string
	untagged  bool // neither ETag nor Last-Modified
	unchanged int  // answers 304
}

func (s *site) put(name, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files, s.types, s.redirects = map[string]string{}, map[string]string{}, map[string]string{}
	}
	s.files[name] = content
}

func (s *site) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

func (s *site) notModified() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unchanged
}

func (s *site) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to, ok := s.redirects[req.URL.Path]; ok {
		http.Redirect(w, req, to, http.StatusFound)
		return
	}
	content, ok := s.files[req.URL.Path]
	if !ok {
		http.NotFound(w, req)
		return
	}
	if kind := s.types[req.URL.Path]; kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	if !s.untagged {
		tag := `"` + hexSum([]byte(content))[:8] + `"`
		w.Header().Set("ETag", tag)
		if req.Header.Get("If-None-Match") == tag {
			s.unchanged++
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	_, _ = w.Write([]byte(content))
}

// files opens files of the servers that are named.
func files(t *testing.T, c registry.Credentials, servers ...*server) opener {
	t.Helper()
	o := registry.FileOptions{Schemes: []string{"http", "https"}}
	for _, s := range servers {
		o.PrivateHosts = append(o.PrivateHosts, s.host())
	}
	dir := t.TempDir()
	return opener{registry.New(registry.Options{Dir: dir, Files: o, Credentials: c}), t, dir}
}

func webFile(url string) snapshot.Location { return snapshot.Location{RepoURL: url, File: true} }

func TestWebFile(t *testing.T) {
	t.Parallel()
	pages := &site{}
	pages.put("/env/prod.yaml", "a: 1\n")
	s := serve(t, pages, password, true)
	url := s.URL + "/env/prod.yaml"
	o := files(t, credentials{url: {Username: user, Password: password, CA: s.ca()}}, s)
	at := webFile(url)

	if got := o.read(at, "prod.yaml"); got != "a: 1\n" {
		t.Fatalf("the file: %s", got)
	}
	o.read(at, "prod.yaml")
	if n := s.requests(); n != 1 {
		t.Errorf("%d requests for a file that two read", n)
	}
	tree, err := o.Tree(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{tree.Commit.Repo, tree.Commit.SHA, tree.Commit.Subject}
	if diff := cmp.Diff([]string{url, "sha256:" + hexSum([]byte("a: 1\n")), "file prod.yaml"}, got); diff != "" {
		t.Errorf("the commit (-want +got):\n%s", diff)
	}

	// Nothing changed: one request, which the server answers with nothing.
	if o.poll(url) {
		t.Error("an unchanged file counts as changed")
	}
	if s.requests() != 2 || pages.notModified() != 1 {
		t.Errorf("%d requests and %d answers of 304 after a poll of an unchanged file", s.requests(), pages.notModified())
	}
	pages.put("/env/prod.yaml", "a: 2\n")
	if got := o.read(at, "prod.yaml"); got != "a: 1\n" {
		t.Errorf("before the poll: %s", got)
	}
	if !o.poll(url) {
		t.Error("a changed file counts as unchanged")
	}
	if got := o.read(at, "prod.yaml"); got != "a: 2\n" || s.requests() != 3 {
		t.Errorf("after %d requests, one of them for a change: %s", s.requests(), got)
	}

	// A server that fails leaves the last content in force; a file that goes
	// is gone.
	s.setBroken(true)
	if _, err := o.Poll(t.Context(), url); fault.Of(err) != fault.Transient {
		t.Errorf("a poll of a broken server: %v", err)
	}
	if got := o.read(at, "prod.yaml"); got != "a: 2\n" {
		t.Errorf("while the server is broken: %s", got)
	}
	s.setBroken(false)
	pages.remove("/env/prod.yaml")
	if !o.poll(url) {
		t.Error("a removed file counts as unchanged")
	}
	if got := o.read(at, "prod.yaml"); !strings.HasPrefix(got, "Missing: open the file "+url) || !strings.Contains(got, "404") {
		t.Errorf("a removed file: %s", got)
	}
	pages.put("/env/prod.yaml", "a: 2\n")
	if !o.poll(url) || o.read(at, "prod.yaml") != "a: 2\n" {
		t.Error("a file that is back is not read")
	}
}

// TestWebFileWithoutTag: where the server cannot tell, its content does.
func TestWebFileWithoutTag(t *testing.T) {
	t.Parallel()
	pages := &site{untagged: true}
	pages.put("/a.yaml", "a: 1\n")
	s := serve(t, pages, "", false)
	o := files(t, nil, s)
	url := s.URL + "/a.yaml"
	o.read(webFile(url), "a.yaml")
	if o.poll(url) {
		t.Error("the same content counts as changed")
	}
	pages.put("/a.yaml", "a: 2\n")
	if !o.poll(url) || o.read(webFile(url), "a.yaml") != "a: 2\n" {
		t.Error("other content is not read")
	}
}

// TestWebFileEvicted: what is neither in memory nor on disk any more is asked
// for in full, not only for news.
func TestWebFileEvicted(t *testing.T) {
	t.Parallel()
	pages := &site{}
	pages.put("/a.yaml", "a: 1\n")
	pages.put("/b.yaml", "b: 1\n")
	s := serve(t, pages, "", false)
	o := opener{registry.New(registry.Options{Dir: "/dev/null/none", Memory: 1, Files: registry.FileOptions{Schemes: []string{"http"}, PrivateHosts: []string{"127.0.0.1"}}}), t, ""}
	for range 2 {
		if a, b := o.read(webFile(s.URL+"/a.yaml"), "a.yaml"), o.read(webFile(s.URL+"/b.yaml"), "b.yaml"); a != "a: 1\n" || b != "b: 1\n" {
			t.Errorf("read %q and %q", a, b)
		}
	}
}

func TestWebFileRefused(t *testing.T) {
	t.Parallel()
	pages := &site{}
	pages.put("/a.yaml", "a: 1\n")
	pages.put("/page", "\n<!DOCTYPE html><title>Sign in</title>")
	pages.put("/huge", strings.Repeat("x", snapshot.MaxFileSize+1))
	pages.types["/page"] = "text/html; charset=utf-8"
	secure, plain, other := serve(t, pages, "", true), serve(t, pages, "", false), serve(t, pages, "", false)
	pages.redirects["/down"] = plain.URL + "/a.yaml"
	pages.redirects["/inside"] = "http://169.254.169.254/latest/meta-data"
	pages.redirects["/loop"] = "/loop"
	pages.redirects["/other"] = other.URL + "/a.yaml"
	pages.redirects["/ftp"] = "ftp://example.com/a.yaml"
	pages.redirects["/good"] = "/a.yaml"
	ca := registry.Auth{CA: secure.ca()}
	o := files(t, credentials{secure.URL + "/down": ca, secure.URL + "/good": ca}, secure, plain)
	for _, tc := range []struct{ reason, url, want string }{
		{"a redirect on the same server", secure.URL + "/good", "a: 1\n"},
		{"another scheme", "ftp://example.com/a.yaml", "Denied: open the file ftp://example.com/a.yaml: files are read over https and http, not ftp"},
		{"a user in the URL, which is not repeated", "https://ana:s3cret@example.com/a.yaml", "Invalid: open the file https://ana:xxxxx@example.com/a.yaml: its URL holds a user: credentials belong into a repository secret"},
		{"no file", "https://example.com/", "Invalid: open the file https://example.com/: its URL names no file"},
		{"a folder", "https://example.com/env/", "Invalid: open the file https://example.com/env/: its URL names no file"},
		{"no host", "https:///a.yaml", "Invalid: open the file https:///a.yaml: its URL names no host"},
		{"a way out of what a project permits", "https://example.com/ours/%2e%2E/theirs.yaml", "Invalid: open the file https://example.com/ours/%2e%2E/theirs.yaml: its URL leads out of its own folders; write it without . and .."},
		{"the same for servers that drop parameters", "https://example.com/ours/..;a=b/theirs.yaml", "its URL leads out of its own folders"},
		{"another server of this machine", other.URL + "/a.yaml", "Denied: open the file " + other.URL + "/a.yaml: get " + other.URL + "/a.yaml: " + other.host() + " is not at a public address; the operator permits the host with --private-file-hosts"},
		{"by a name that resolves there", strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + "/a.yaml", "is not at a public address"},
		{"IPv6", "http://[::1]:1/a.yaml", "[::1]:1 is not at a public address"},
		{"IPv4 in IPv6", "http://[::ffff:127.0.0.1]:1/a.yaml", "is not at a public address"},
		{"the metadata of a cloud", "http://169.254.169.254/latest/meta-data", "169.254.169.254:80 is not at a public address"},
		{"a private network", "http://10.1.2.3/a.yaml", "10.1.2.3:80 is not at a public address"},
		{"a redirect there", plain.URL + "/inside", "169.254.169.254:80 is not at a public address"},
		{"a redirect to another server of this machine", plain.URL + "/other", other.host() + " is not at a public address"},
		{"a redirect in circles", plain.URL + "/loop", "the server redirects more than 5 times"},
		{"a redirect to another scheme", plain.URL + "/ftp", "the server redirects to ftp://example.com/a.yaml: files are read over https and http, not ftp"},
		{"a redirect that gives up TLS", secure.URL + "/down", "the server redirects from https to " + plain.URL + "/a.yaml"},
		{"a web page", plain.URL + "/page", "Invalid: open the file " + plain.URL + "/page: get " + plain.URL + "/page: the server answers with a web page; is there an address of the raw file?"},
		{"too large", plain.URL + "/huge", "Invalid: open the file " + plain.URL + "/huge: get " + plain.URL + "/huge: it is larger than 8 MiB"},
		{"not there, and the query is not told", plain.URL + "/nope.yaml?token=s3cret", "Missing: open the file " + plain.URL + "/nope.yaml: get " + plain.URL + "/nope.yaml: the server answers 404 Not Found"},
		{"a certificate that nobody vouches for", secure.URL + "/a.yaml", "Denied: "},
	} {
		at := webFile(tc.url)
		got := o.read(at, at.FileName())
		if tc.reason == "a redirect on the same server" {
			got = o.read(at, "good")
		}
		exact := strings.HasPrefix(tc.want, "Invalid: open") || strings.HasPrefix(tc.want, "Denied: open") || strings.HasPrefix(tc.want, "Missing: open")
		if exact && got != tc.want || !strings.Contains(got, tc.want) {
			t.Errorf("%s (-want +got):\n%s", tc.reason, cmp.Diff(tc.want, got))
		}
		if strings.Contains(got, "s3cret") {
			t.Errorf("%s: a secret is told: %s", tc.reason, got)
		}
	}
}

// TestWebFileOffByDefault: without the operator's word nothing is asked.
func TestWebFileOffByDefault(t *testing.T) {
	t.Parallel()
	s := serve(t, &site{}, "", false)
	o := opener{registry.New(registry.Options{Dir: t.TempDir(), Files: registry.FileOptions{Schemes: []string{"https"}, PrivateHosts: []string{s.host()}}}), t, ""}
	got := o.read(webFile(s.URL+"/a.yaml"), "a.yaml")
	if !strings.HasPrefix(got, "Denied: ") || !strings.Contains(got, "files are not read over http here") || s.requests() != 0 {
		t.Errorf("after %d requests: %s", s.requests(), got)
	}
	if got := open(t, nil).read(webFile("https://example.com/a.yaml"), "a.yaml"); !strings.Contains(got, "files are not read over https here") {
		t.Errorf("with no options at all: %s", got)
	}
}

// TestWebFileBehindProxy: the operator's proxy may be anywhere; what it is
// asked for may not.
func TestWebFileBehindProxy(t *testing.T) {
	t.Parallel()
	proxied := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = w.Write([]byte("via: " + req.URL.Host + "\n")) // a proxy is asked for a whole URL
	}), "", false)
	behind := registry.Auth{Proxy: proxied.URL}
	const public, private = "http://203.0.114.7/a.yaml", "http://10.1.2.3/a.yaml"
	o := files(t, credentials{public: behind, private: behind})
	if got := o.read(webFile(public), "a.yaml"); got != "via: 203.0.114.7\n" {
		t.Errorf("a public address: %s", got)
	}
	if got := o.read(webFile(private), "a.yaml"); !strings.Contains(got, "10.1.2.3 is not at a public address") || proxied.requests() != 1 {
		t.Errorf("a private address, after %d requests: %s", proxied.requests(), got)
	}
}

// TestFailureIsAskedAgain: what could not be told is told by a poll, once it
// can be, so that whoever waits for it is woken.
func TestFailureIsAskedAgain(t *testing.T) {
	t.Parallel()
	pages := &site{}
	pages.put("/a.yaml", "a: 1\n")
	s := serve(t, pages, password, false)
	url := s.URL + "/a.yaml"
	access := credentials{}
	o := files(t, access, s)
	if got := o.read(webFile(url), "a.yaml"); !strings.HasPrefix(got, "Denied: ") {
		t.Fatalf("without a password: %s", got)
	}
	if _, err := o.Poll(t.Context(), url); fault.Of(err) != fault.Denied {
		t.Errorf("a poll without a password: %v", err)
	}
	access[url] = registry.Auth{Username: user, Password: password}
	if !o.poll(url) {
		t.Error("a file that can be read by now counts as unchanged")
	}
	if got := o.read(webFile(url), "a.yaml"); got != "a: 1\n" {
		t.Errorf("with the password: %s", got)
	}
}
