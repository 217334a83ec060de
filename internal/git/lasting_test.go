package git_test

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestRestartWhileTheServerIsAway has a second process use the mirrors of a
// first one.
func TestRestartWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.git("checkout", "-q", "-b", "main2")
	first := r.commit("Start")
	r.git("tag", "-a", "v1.0.0", "-m", "v1")
	r.git("branch", "-f", "main")
	s := r.server()
	var status atomic.Int64 // what the server answers instead
	git0 := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if code := int(status.Load()); code != 0 {
			w.WriteHeader(code)
			return
		}
		git0.ServeHTTP(w, req)
	})
	url := s.start(t)
	dir := t.TempDir()
	start := func() *git.Mirrors {
		m := git.New(git.Options{Dir: dir})
		t.Cleanup(m.Close)
		return m
	}
	open := func(m *git.Mirrors, revision string) (string, error) {
		got, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: revision})
		return got.Commit.SHA, err
	}
	revisions := []string{"main", "1.x", "", "v1.0.0"}
	m := start()
	for _, revision := range revisions {
		if _, err := open(m, revision); err != nil {
			t.Fatal(err)
		}
	}

	for _, code := range []int{http.StatusServiceUnavailable, http.StatusNotFound} {
		status.Store(int64(code))
		m = start()
		for _, revision := range revisions {
			if sha, err := open(m, revision); err != nil || sha != first {
				t.Errorf("%d: %q is %s, %v; want %s", code, revision, sha, err, first)
			}
		}
		if _, err := open(m, "main2"); err == nil {
			t.Errorf("%d: a branch that nobody asked for before was found", code)
		}
		if _, err := m.Poll(t.Context(), url); err == nil {
			t.Errorf("%d: the poll says nothing of it", code)
		}
	}

	status.Store(0)
	r.git("checkout", "-q", "main")
	r.write("a", "2")
	second := r.commit("Change")
	if changed, err := m.Poll(t.Context(), url); err != nil || !changed {
		t.Errorf("the server is back with a commit: changed = %v, %v", changed, err)
	}
	if sha, err := open(m, "main"); err != nil || sha != second {
		t.Errorf("the server is back: got %s, %v; want %s", sha, err, second)
	}

	status.Store(http.StatusForbidden)
	if _, err := open(start(), "main"); fault.Of(err) != fault.Denied {
		t.Errorf("without permission: got %v", err)
	}

	status.Store(http.StatusServiceUnavailable)
	files, err := filepath.Glob(filepath.Join(dir, "*", "trueup-refs"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-3] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(start(), "main"); fault.Of(err) != fault.Transient {
		t.Errorf("from a damaged file: got %v", err)
	}
}
