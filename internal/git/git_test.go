package git_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func mirrors(t *testing.T, c git.Credentials) *git.Mirrors {
	t.Helper()
	m := git.New(git.Options{Dir: t.TempDir(), Credentials: c, Files: true})
	t.Cleanup(m.Close)
	return m
}

type password string

func (p password) For(context.Context, string) (git.Auth, error) {
	return git.Auth{Username: "ana", Password: string(p)}, nil
}

func read(t *testing.T, tree snapshot.Tree, name string) string {
	t.Helper()
	data, err := tree.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	first := r.commit("Release one")
	r.git("tag", "v1.0.0")
	r.git("tag", "-a", "v1.2.0", "-m", "annotated")
	r.git("tag", "v2.0.0-rc.1")
	r.git("checkout", "-q", "-b", "feature/x")
	r.write("v", "x")
	feature := r.commit("Try x")
	r.git("tag", "v1.3.0")
	r.git("checkout", "-q", "main")
	r.write("v", "2")
	second := r.commit("Go on\n\nwith a body")
	url, _ := r.serve("")

	for _, tc := range []struct{ reason, revision, want string }{
		{"nothing means the default branch", "", second},
		{"HEAD is the default branch", "HEAD", second},
		{"a branch", "main", second},
		{"a branch with a slash", "feature/x", feature},
		{"a full ref name", "refs/heads/main", second},
		{"a tag", "v1.0.0", first},
		{"an annotated tag stands for its commit", "v1.2.0", first},
		{"a full commit id", first, first},
		{"a range takes the newest tag in it", "1.x", feature},
		{"a range leaves out what is beyond", ">=1.0.0 <1.3.0", first},
		{"a range with a tilde", "~1.2", first},
		{"a range takes pre-releases only when it names one", ">=2.0.0-0", first},
	} {
		for _, base := range []string{url, r.fileURL()} {
			m := mirrors(t, nil)
			tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: base, Revision: tc.revision})
			if err != nil {
				t.Errorf("%s: %v", tc.reason, err)
				continue
			}
			if tree.Commit.SHA != tc.want {
				t.Errorf("%s: got %s, want %s", tc.reason, tree.Commit.SHA, tc.want)
			}
		}
	}
	tree, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if c := tree.Commit; c.Author != "Ana" || c.Subject != "Go on" || c.Time.IsZero() || c.Ref != "main" || c.Repo != url {
		t.Errorf("the commit reads %+v", c)
	}
	if got := read(t, tree, "v"); got != "2" {
		t.Errorf("v holds %q", got)
	}
	for _, revision := range []string{"nope", "v9.x", strings.Repeat("0", 40), "abcdef1"} {
		if _, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: revision}); fault.Of(err) != fault.Missing {
			t.Errorf("revision %s: got %v (%s)", revision, err, fault.Of(err))
		}
	}
}

func TestOneQueryServesAllApplications(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("apps/a.yaml", "a")
	r.commit("Start")
	url, queries := r.serve("")
	m := mirrors(t, nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url + "/", Revision: "main"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// One for the refs, and one as the fetch begins.
	if *queries > 2 {
		t.Errorf("%d queries of the refs", *queries)
	}
	if changed, err := m.Poll(t.Context(), url); err != nil || changed {
		t.Errorf("nothing happened: %v, %v", changed, err)
	}
	before := *queries
	for range 10 {
		if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err != nil {
			t.Fatal(err)
		}
	}
	if *queries != before {
		t.Errorf("a known commit was asked for %d times", *queries-before)
	}
}

func TestCommitsArriveOneByOne(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	for i := range 3 {
		r.write("n", strings.Repeat("x", i+1))
		r.commit("Before")
	}
	url, _ := r.serve("")
	dir := t.TempDir()
	m := git.New(git.Options{Dir: dir})
	first, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		r.write("n", strings.Repeat("y", i+1))
		if i == 2 {
			r.git("reset", "-q", "--soft", "HEAD~2") // a force push
		}
		want := r.commit("After")
		if changed, err := m.Poll(t.Context(), url); err != nil || !changed {
			t.Fatalf("poll after a commit: %v, %v", changed, err)
		}
		tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
		if err != nil {
			t.Fatal(err)
		}
		if tree.Commit.SHA != want || read(t, tree, "n") != strings.Repeat("y", i+1) {
			t.Errorf("commit %d: got %+v", i, tree.Commit)
		}
	}
	if got := read(t, first, "n"); got != "xxx" {
		t.Errorf("an open tree changed under its reader: %q", got)
	}
	// The next process finds the mirror and fetches what is new only.
	again := git.New(git.Options{Dir: dir})
	if tree, err := again.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err != nil || read(t, tree, "n") != "yyyy" {
		t.Errorf("after a restart: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("mirrors: %v, %v", entries, err)
	}
}

func TestLocalRepositorySurvivesRepacking(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("One")
	m := mirrors(t, nil)
	tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: r.fileURL(), Revision: ""})
	if err != nil {
		t.Fatal(err)
	}
	r.git("gc", "-q", "--prune=now")
	if got := read(t, tree, "a"); got != "1" {
		t.Errorf("a holds %q", got)
	}
	r.write("a", "2")
	r.commit("Two")
	r.git("gc", "-q", "--prune=now")
	if changed, err := m.Poll(t.Context(), r.fileURL()); err != nil || !changed {
		t.Fatalf("poll: %v, %v", changed, err)
	}
	if tree, err = m.Tree(t.Context(), snapshot.Location{RepoURL: r.fileURL(), Revision: ""}); err != nil || read(t, tree, "a") != "2" {
		t.Errorf("after repacking: %v", err)
	}
}

func TestFileSystemContract(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("apps/shop/web.yaml", "kind: Deployment")
	r.write("apps/shop/run.sh", "#!/bin/sh")
	r.write("README.md", "hello")
	r.commit("Start")
	tree, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: r.fileURL(), Revision: ""})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree.FS, "apps/shop/web.yaml", "apps/shop/run.sh", "README.md"); err != nil {
		t.Error(err)
	}
	hash, err := tree.FS.(snapshot.Hasher).Hash("README.md")
	if want := r.git("rev-parse", "HEAD:README.md"); err != nil || hash != want {
		t.Errorf("hash %s, %v, want %s", hash, err, want)
	}
}

func TestHostileRepository(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a/real.yaml", "real")
	link := func(target, name string) {
		r.mkdir(filepath.Dir(filepath.Join(r.dir, name)))
		if err := os.Symlink(target, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("../a/real.yaml", "b/good")
	link("a", "dir")
	link("/etc/passwd", "absolute")
	link("../../etc/passwd", "outside")
	link("loop", "loop")
	big, err := os.Create(filepath.Join(r.dir, "big.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(50 << 20); err != nil {
		t.Fatal(err)
	}
	_ = big.Close()
	r.commit("Be hostile")
	tree, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: r.fileURL(), Revision: ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b/good", "dir/real.yaml"} {
		if got := read(t, tree, name); got != "real" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	for _, name := range []string{"absolute", "outside", "loop", "big.yaml"} {
		_, err := tree.FS.ReadFile(name)
		if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want it refused by name", name, err)
		}
	}
	for _, name := range []string{"../config/README.md", "/etc/passwd", "a/../../x"} {
		if _, err := tree.FS.ReadFile(name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := fs.Stat(tree.FS, "nope"); !os.IsNotExist(err) {
		t.Errorf("an absent file: %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	private, _ := r.serve("secret")
	empty := newRepo(t)
	emptyURL, _ := empty.serve("")
	for _, tc := range []struct {
		reason, url string
		credentials git.Credentials
		files       bool
		kind        fault.Kind
		says        string
	}{
		{"no credentials", private, nil, true, fault.Denied, "authentication required"},
		{"wrong credentials", private, password("wrong"), true, fault.Denied, "auth"},
		{"a repository that is not there", strings.Replace(private, "/config", "/nope", 1), password("secret"), true, fault.Missing, "not found"},
		{"an empty repository", emptyURL, nil, true, fault.Missing, "no commit"},
		{"nobody listens", "http://127.0.0.1:1/x.git", nil, true, fault.Transient, "refused"},
		{"another scheme", "git://127.0.0.1/x", nil, true, fault.Invalid, "not git"},
		{"a scheme that runs programs is a host name to us", "ext::sh -c id", nil, true, fault.Denied, "private key"},
		{"a file URL where these are off", r.fileURL(), nil, false, fault.Denied, "--allow-file-repositories"},
		{"a folder that is no repository", "file://" + t.TempDir(), nil, true, fault.Missing, "not found"},
		{"ssh without a key", "ssh://git@127.0.0.1:1/x.git", nil, true, fault.Denied, "private key"},
	} {
		m := git.New(git.Options{Dir: t.TempDir(), Credentials: tc.credentials, Files: tc.files})
		_, err := m.Tree(t.Context(), snapshot.Location{RepoURL: tc.url, Revision: "main"})
		if err == nil || fault.Of(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v (%s), want %s", tc.reason, err, fault.Of(err), tc.kind)
		}
	}
	tree, err := mirrors(t, password("secret")).Tree(t.Context(), snapshot.Location{RepoURL: private, Revision: "main"})
	if err != nil || read(t, tree, "a") != "1" {
		t.Errorf("with the password: %v", err)
	}
	_, err = mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: "http://ana:hunter2@127.0.0.1:1/x.git", Revision: "main"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is in %v", err)
	}
}

func TestUnreachableRepositoryKeepsItsRefs(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	want := r.commit("Start")
	url, _ := r.serve("")
	m := mirrors(t, nil)
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(r.dir, r.dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Poll(t.Context(), url); fault.Of(err) != fault.Missing {
		t.Errorf("poll: %v", err)
	}
	tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
	if err != nil || tree.Commit.SHA != want || read(t, tree, "a") != "1" {
		t.Errorf("the last good state is lost: %+v, %v", tree.Commit, err)
	}
}
