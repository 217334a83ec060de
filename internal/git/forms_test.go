package git_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func TestFormsOfRevisions(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	first := r.commit("One")
	r.git("tag", "-a", "-m", "x", "inner")
	r.git("tag", "-a", "-m", "x", "svc-a/v1.2.0", "inner")
	r.git("tag", "svc-b/v1.9.0")
	r.git("tag", "both")
	r.write("v", "2")
	second := r.commit("Two")
	r.git("tag", "svc-a/v1.4.0")
	r.git("tag", "svc-a/v2.0.0")
	r.git("tag", "blob", r.git("rev-parse", "HEAD:v"))
	r.git("tag", "2.0.0", first)
	r.git("tag", "1.1.0", first)
	r.git("tag", "app-2.0.0")
	r.git("branch", "both")
	r.git("update-ref", "refs/pull/7/head", first)
	r.git("branch", "1.x", first)
	tag := r.git("rev-parse", "svc-a/v1.2.0")
	s := r.server()
	url := s.start(t)
	for _, tc := range []struct{ reason, revision, prefix, want string }{
		{"a range over the tags of one part of a repository", "1.*", "svc-a/v", second},
		{"a range that is written with the prefix", "svc-a/v1.*", "svc-a/v", second},
		{"a tag of a tag", "svc-a/v1.2.0", "", first},
		{"a range of exactly it", "=1.2.0", "svc-a/", first},
		{"a version is a tag with the prefix", "v1.4.0", "svc-a/", second},
		{"and not the tag of the whole repository", "2.0.0", "app-", second},
		{"a version that no tag with the prefix has", "1.1.0", "app-", first},
		{"a version with its prefix", "app-2.0.0", "app-", second},
		{"a prefix says nothing about names", "svc-b/v1.9.0", "svc-a/", first},
		{"a branch goes before a tag", "both", "", second},
		{"the tag has its full name", "refs/tags/both", "", first},
		{"a branch that looks like a range", "1.x", "", first},
		{"a pull request", "refs/pull/7/head", "", first},
		{"a pull request, in short", "pull/7/head", "", first},
		{"the id of a tag", tag, "", first},
		{"a short id of a tip", second[:9], "", second},
	} {
		for _, base := range []string{url, r.fileURL()} {
			got, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: base, Revision: tc.revision, TagPrefix: tc.prefix})
			if err != nil || got.Commit.SHA != tc.want {
				t.Errorf("%s: got %s, %v, want %s", tc.reason, got.Commit.SHA, err, tc.want)
			}
		}
	}
	m := mirrors(t, nil)
	for _, tc := range []struct {
		reason, revision, prefix string
		kind                     fault.Kind
		says                     string
	}{
		{"no tag with the prefix", "1.*", "svc-c/", fault.Missing, `begins with "svc-c/"`},
		{"no version with the prefix", "3.0.0", "app-", fault.Missing, `no tag "app-3.0.0", and no branch or tag "3.0.0"; the closest is app-2.0.0`},
		{"a tag of a file", "blob", "", fault.Invalid, "not a commit"},
		{"a name of nothing", "nothing", "", fault.Missing, `no branch or tag "nothing"`},
	} {
		_, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: tc.revision, TagPrefix: tc.prefix})
		if fault.Of(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v (%s)", tc.reason, err, fault.Of(err))
		}
	}
}

func TestDeletedBranch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	r.git("checkout", "-q", "-b", "feature")
	r.write("v", "2")
	r.commit("Two")
	r.git("checkout", "-q", "main")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	held := tree(t, m, url, "feature")
	r.git("branch", "-q", "-D", "feature")
	if !poll(t, m, url) {
		t.Error("the deletion went unnoticed")
	}
	_, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "feature"})
	if fault.Of(err) != fault.Missing || !strings.Contains(err.Error(), `no branch or tag "feature"`) {
		t.Errorf("got %v (%s)", err, fault.Of(err))
	}
	if got := read(t, held, "v"); got != "2" {
		t.Errorf("the last good commit reads %q", got)
	}
	if got := read(t, tree(t, m, url, held.Commit.SHA), "v"); got != "2" {
		t.Errorf("the last good commit by its id reads %q", got)
	}
}

// TestBranchMovesBeforeTheFetch asks for a commit that the server has dropped
// since the refs were asked for.
func TestBranchMovesBeforeTheFetch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	if _, err := m.Resolve(t.Context(), url, "main"); err != nil {
		t.Fatal(err)
	}
	r.write("v", "2")
	r.git("add", "-A")
	r.git("commit", "-q", "--amend", "-m", "Again")
	r.git("reflog", "expire", "--expire=now", "--all")
	r.git("gc", "-q", "--prune=now")
	if got := read(t, tree(t, m, url, "main"), "v"); got != "2" {
		t.Errorf("v holds %q", got)
	}
}

// TestHeldCommitsDoNotWait stops the server in the middle of each
// conversation, and asks for what is held meanwhile.
func TestHeldCommitsDoNotWait(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	s := r.server()
	entered, leave := make(chan string, 100), make(chan struct{})
	var mu sync.Mutex
	stopped := false
	s.enter = func(req *http.Request) {
		mu.Lock()
		stop := stopped
		mu.Unlock()
		if stop {
			entered <- req.URL.Path
			select {
			case <-leave:
			case <-req.Context().Done():
			}
		}
	}
	url := s.start(t)
	m := mirrors(t, nil)
	held := tree(t, m, url, "main")
	mu.Lock()
	stopped = true
	mu.Unlock()
	r.git("branch", "other", r.git("commit-tree", "-m", "x", "HEAD^{tree}"))
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := m.Poll(t.Context(), url); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "other"}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	for range 100 {
		if got := tree(t, m, url, "main"); got.Commit.SHA != held.Commit.SHA || read(t, got, "v") != "1" {
			t.Error("the held commit reads otherwise")
		}
	}
	// Who does not want to wait is not made to.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Tree(ctx, snapshot.Location{RepoURL: url, Revision: "another"}); err == nil || ctx.Err() == nil {
		t.Errorf("got %v, want the end of the context", err)
	}
	close(leave)
	all.Wait()
}

func TestTreeOfHeldCommitIsCheap(t *testing.T) {
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	tree(t, m, url, "main")
	at := snapshot.Location{RepoURL: url, Revision: "main"}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.Tree(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	held := tree(t, m, url, "main")
	m.Forget(url + "/")
	if got := read(t, held, "v"); got != "1" {
		t.Errorf("a tree that somebody holds reads %q", got)
	}
	if got := read(t, tree(t, m, url, "main"), "v"); got != "1" {
		t.Errorf("after it was forgotten, v holds %q", got)
	}
}

func TestUnusedRevisionsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	r.commit("One")
	r.git("branch", "old")
	s := r.server()
	url := s.start(t)
	now := time.Now()
	m := git.New(git.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	tree(t, m, url, "old")
	now = now.Add(23 * time.Hour)
	tree(t, m, url, "main")
	for i, want := range []bool{true, false} {
		before := len(s.since(0))
		poll(t, m, url)
		if got := strings.Contains(s.since(before)[0].body, "refs/heads/old\n"); got != want {
			t.Errorf("poll %d asks for a branch that nobody used lately: %v", i, got)
		}
		now = now.Add(2 * time.Hour)
	}
	if got := tree(t, m, url, "old"); got.Commit.Ref != "old" {
		t.Errorf("a revision that was forgotten: %+v", got.Commit)
	}
}
