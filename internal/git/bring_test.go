package git_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// onFetch has something done with each question for a pack; where it says that
// it answered the server does not.
func (s *server) onFetch(do func(w http.ResponseWriter, req *http.Request) (answered bool)) {
	next := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		if strings.HasSuffix(req.URL.Path, "/git-upload-pack") && !bytes.Contains(body, []byte("command=ls-refs")) && do(w, req) {
			return
		}
		next.ServeHTTP(w, req)
	})
}

// TestFetchOutlastsWhoAskedForIt has a server that takes longer than one who
// asks, and another one who waits for the same fetch.
func TestFetchOutlastsWhoAskedForIt(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	lib := r.beside("lib")
	lib.write("a", "1")
	sha := lib.commit("Start")
	r.write("a", "1")
	r.submodule("lib", "../lib", sha)
	r.commit("Start")
	for _, tc := range []struct {
		reason string
		hold   string // the repository whose packs take long
		// ask opens a file of it, within ctx
		ask func(ctx context.Context, m *git.Mirrors, url string) error
	}{
		{"a tree", "/config/", func(ctx context.Context, m *git.Mirrors, url string) error {
			_, err := m.Tree(ctx, snapshot.Location{RepoURL: url, Revision: "main"})
			return err
		}},
		{"a submodule", "/lib/", func(ctx context.Context, m *git.Mirrors, url string) error {
			_, err := snapshot.Wait(ctx, tree(t, m, url, "main").FS).ReadFile("lib/a")
			return err
		}},
	} {
		s := r.server()
		entered, leave := make(chan struct{}, 10), make(chan struct{})
		s.onFetch(func(_ http.ResponseWriter, req *http.Request) bool {
			if strings.HasPrefix(req.URL.Path, tc.hold) {
				entered <- struct{}{}
				<-leave
			}
			return false
		})
		url := s.start(t)
		m := mirrors(t, nil)
		hasty, leaves := context.WithCancel(t.Context())
		asked := make(chan error)
		go func() { asked <- tc.ask(hasty, m, url) }()
		<-entered
		leaves()
		if err := <-asked; !errors.Is(err, snapshot.ErrPending) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), tc.hold[:len(tc.hold)-1]) {
			t.Errorf("%s: who left was told %v", tc.reason, err)
		}
		go func() { asked <- tc.ask(t.Context(), m, url) }()
		close(leave)
		if err := <-asked; err != nil {
			t.Errorf("%s: who came later was told %v", tc.reason, err)
		}
		if len(entered) > 0 {
			t.Errorf("%s: it was fetched %d times more", tc.reason, len(entered))
		}
	}
}

// TestCloseEndsFetches leaves a mirror whose server never sends what was asked for.
func TestCloseEndsFetches(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	s := r.server()
	entered := make(chan struct{}, 1)
	s.onFetch(func(_ http.ResponseWriter, req *http.Request) bool {
		entered <- struct{}{}
		<-req.Context().Done()
		return true
	})
	url := s.start(t)
	m := mirrors(t, nil)
	asked := make(chan error)
	go func() {
		_, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
		asked <- err
	}()
	<-entered
	m.Close()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("who waited was told %v", err)
	}
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); !errors.Is(err, context.Canceled) {
		t.Errorf("who comes later was told %v", err)
	}
}

// TestFailedFetchesAreRemembered has many applications ask for what cannot be
// fetched.
func TestFailedFetchesAreRemembered(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	one := r.commit("One")
	r.write("a", "2")
	two := r.commit("Two")
	s := r.server()
	var fetches atomic.Int32
	var status atomic.Int32
	s.onFetch(func(w http.ResponseWriter, _ *http.Request) bool {
		fetches.Add(1)
		if code := int(status.Load()); code != 0 {
			w.WriteHeader(code)
			return true
		}
		return false
	})
	url := s.start(t)
	now := time.Now()
	secret := &changing{"one"}
	m := git.New(git.Options{Dir: t.TempDir(), Credentials: secret, Now: func() time.Time { return now }})
	t.Cleanup(m.Close)
	if _, err := m.Poll(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	// A server that fails is greeted anew and asked once more.
	const once, none = 2, 0
	asked := func(reason, revision string, kind fault.Kind, want int32) {
		t.Helper()
		before := fetches.Load()
		for range 20 {
			if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: revision}); fault.Of(err) != kind {
				t.Fatalf("%s: got %v, want it to be %s", reason, err, kind)
			}
		}
		if got := fetches.Load() - before; got != want {
			t.Errorf("%s: %d fetches, want %d", reason, got, want)
		}
	}
	status.Store(http.StatusServiceUnavailable)
	asked("a server that is busy", "main", fault.Transient, once)
	asked("another commit of it", one, fault.Transient, none)
	now = now.Add(6 * time.Second)
	asked("six seconds later", "main", fault.Transient, once)
	now = now.Add(6 * time.Second)
	asked("another six, after the second failure", "main", fault.Transient, none)
	if _, err := m.Poll(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	asked("a poll", "main", fault.Transient, once)
	secret.password = "two"
	status.Store(http.StatusForbidden)
	asked("other credentials", "main", fault.Denied, 1)
	secret.password = "three"
	status.Store(0)
	missing := strings.Repeat("1", 40)
	asked("a commit that is not there", missing, fault.Missing, once)
	asked("says nothing of others", two, "", 1)
	asked("and is remembered still", missing, fault.Missing, none)
	if _, err := m.Poll(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	asked("until the poll", missing, fault.Missing, once)
}
