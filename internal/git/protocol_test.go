package git_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// manyRefs gives a repository refs that nobody asks for.
func (r *repo) manyRefs(n int) {
	r.t.Helper()
	head := r.git("rev-parse", "HEAD")
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "create refs/heads/topic/%06d %s\n", i, head)
	}
	r.gitIn(list.String(), "update-ref", "--stdin")
	r.git("pack-refs", "--all")
}

func (r *repo) gitIn(input string, args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// tree opens a revision, or fails the test.
func tree(t *testing.T, m *git.Mirrors, url, revision string) snapshot.Tree {
	t.Helper()
	got, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: revision})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func poll(t *testing.T, m *git.Mirrors, url string) bool {
	t.Helper()
	changed, err := m.Poll(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestOnlyRefsInUseAreAskedFor(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("a", "1")
	r.commit("Start")
	r.git("tag", "-a", "-m", "x", "v1.0.0")
	r.manyRefs(1000)
	s := r.server()
	url := s.start(t)
	m := mirrors(t, nil)
	tree(t, m, url, "main")
	tree(t, m, url, "1.x")
	before := len(s.since(0))
	if poll(t, m, url) {
		t.Error("nothing changed")
	}
	asked := s.since(before)
	if len(asked) != 1 || !strings.Contains(asked[0].body, "ref-prefix refs/heads/main\n") || asked[0].answered > 1000 {
		t.Errorf("one small question was to be enough: %+v", asked)
	}
	// What nobody follows may change; what was asked for lately may not.
	r.git("update-ref", "refs/heads/topic/000001", r.git("commit-tree", "-m", "x", "HEAD^{tree}"))
	if poll(t, m, url) {
		t.Error("a branch that nobody follows woke somebody")
	}
	r.write("a", "2")
	want := r.commit("Go on")
	tree(t, m, url, "topic/000002") // this question learns of main as well
	if !poll(t, m, url) {
		t.Error("a change that another question learnt of is not told")
	}
	if got := tree(t, m, url, "main"); got.Commit.SHA != want {
		t.Errorf("main is %s", got.Commit.SHA)
	}
	r.git("tag", "v1.1.0")
	if !poll(t, m, url) || tree(t, m, url, "1.x").Commit.SHA != want {
		t.Error("a new tag in the range went unnoticed")
	}
}

// incompressible is text of 200 characters, another one for each i.
func incompressible(i int) string {
	var b strings.Builder
	for j := range 4 {
		fmt.Fprintf(&b, "%x", sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(j)}))
	}
	return b.String()[:200]
}

func TestOneCommitIsOneSmallPack(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		r := newRepo(t)
		for i := range 400 {
			r.write(fmt.Sprintf("apps/%02d/%04d.yaml", i%20, i), incompressible(i))
		}
		r.commit("Start")
		s := r.server()
		s.old = old
		url := s.start(t)
		dir := t.TempDir()
		m := git.New(git.Options{Dir: dir})
		tree(t, m, url, "main")
		first := fetches(s.since(0))
		if len(first) != 1 || first[0].answered < 40_000 {
			t.Fatalf("old %v: the first fetch: %d questions", old, len(first))
		}
		for i := range 3 {
			before := len(s.since(0))
			if i == 2 {
				r.git("reset", "-q", "--hard", "HEAD~1") // a force push
			}
			r.write("apps/07/0007.yaml", fmt.Sprintf("changed: %d\n", i))
			want := r.commit("Change one file")
			poll(t, m, url)
			got := tree(t, m, url, "main")
			if got.Commit.SHA != want || read(t, got, "apps/07/0007.yaml") != fmt.Sprintf("changed: %d\n", i) {
				t.Errorf("old %v: got %+v", old, got.Commit)
			}
			packs := fetches(s.since(before))
			if len(packs) != 1 || packs[0].answered > 3000 {
				t.Errorf("old %v: one file changed, and that took %d fetches, the first of %d bytes", old, len(packs), packs[0].answered)
			}
		}
		// A change of nothing but the commit brings next to nothing.
		r.commit("Change nothing")
		poll(t, m, url)
		tree(t, m, url, "main")
		fsck(t, dir)
	}
}

// fsck has git itself check the one mirror in a folder.
func fsck(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.git"))
	if err != nil || len(found) != 1 {
		t.Fatalf("mirrors: %v, %v", found, err)
	}
	cmd := exec.Command("git", "fsck", "--full", "--strict")
	cmd.Dir = found[0]
	cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git finds fault with the mirror: %v\n%s", err, out)
	}
}

func TestMirrorsStaySmall(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	for i := range 100 {
		r.write(fmt.Sprintf("apps/%d.yaml", i), strings.Repeat(fmt.Sprintln(i), 50))
	}
	r.commit("Start")
	r.git("branch", "stays")
	url, _ := r.serve("")
	dir := t.TempDir()
	m := git.New(git.Options{Dir: dir})
	tree(t, m, url, "stays")
	held := tree(t, m, url, "main")
	most := 0
	for i := range 16 {
		r.write(fmt.Sprintf("apps/%d.yaml", i), fmt.Sprintf("commit: %d\n", i))
		r.commit("Go on")
		poll(t, m, url)
		tree(t, m, url, "main")
		if err := m.Tidy(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		packs, err := filepath.Glob(filepath.Join(dir, "*.git/objects/pack/*"))
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(packs))
	}
	if most > 2*13 {
		t.Errorf("there were %d files at a time", most)
	}
	fsck(t, dir)
	if got := read(t, held, "apps/0.yaml"); got != strings.Repeat("0\n", 50) {
		t.Errorf("an old tree that somebody holds reads %q", got)
	}
	for _, revision := range []string{"main", "stays"} {
		for _, m := range []*git.Mirrors{m, git.New(git.Options{Dir: dir})} {
			got := tree(t, m, url, revision)
			want := "commit: 15\n"
			if revision == "stays" {
				want = strings.Repeat("15\n", 50)
			}
			if read(t, got, "apps/15.yaml") != want {
				t.Errorf("%s holds something else after tidying", revision)
			}
		}
	}
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: held.Commit.SHA}); err != nil {
		t.Errorf("a commit that was dropped is fetched again: %v", err)
	}
}

func TestMirrorHealsItself(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		harm   func(pack string) error
	}{
		{"a pack is gone", os.Remove},
		{"a pack was cut off", func(p string) error { return os.Truncate(p, 100) }},
		{"an index is gone", func(p string) error { return os.Remove(strings.TrimSuffix(p, ".pack") + ".idx") }},
	} {
		r := newRepo(t)
		r.write("a", "1")
		r.write("b", "1")
		r.commit("One")
		url, _ := r.serve("")
		dir := t.TempDir()
		tree(t, git.New(git.Options{Dir: dir}), url, "main")
		packs, err := filepath.Glob(filepath.Join(dir, "*.git/objects/pack/*.pack"))
		if err != nil || len(packs) != 1 {
			t.Fatalf("packs: %v, %v", packs, err)
		}
		// The next commit comes as a delta on what is there.
		r.write("a", "2")
		r.commit("Two")
		tree(t, git.New(git.Options{Dir: dir}), url, "main")
		if err := tc.harm(packs[0]); err != nil {
			t.Fatal(err)
		}
		m := git.New(git.Options{Dir: dir})
		var read error
		for range 3 {
			got, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
			if err != nil {
				read = err
				continue
			}
			if _, read = got.FS.ReadFile("b"); read == nil {
				break
			}
		}
		if read != nil {
			t.Errorf("%s: %v", tc.reason, read)
		}
	}
}

func TestOldServers(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.git("config", "--unset", "uploadpack.allowAnySHA1InWant")
	r.write("a", "1")
	first := r.commit("One")
	r.git("tag", "-a", "-m", "x", "v1.0.0")
	r.write("a", "2")
	second := r.commit("Two")
	s := r.server()
	s.old = true
	url := s.start(t)
	for _, tc := range []struct{ reason, revision, want string }{
		{"a branch", "main", second},
		{"HEAD", "", second},
		{"an annotated tag of an older commit", "v1.0.0", first},
		{"a range", "1.x", first},
		{"an older commit, which the server gives to nobody by its id", first, first},
	} {
		dir := t.TempDir()
		got := tree(t, git.New(git.Options{Dir: dir}), url, tc.revision)
		if got.Commit.SHA != tc.want {
			t.Errorf("%s: got %s, want %s", tc.reason, got.Commit.SHA, tc.want)
		}
		read(t, got, "a")
	}
	_, err := mirrors(t, nil).Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: strings.Repeat("1", 40)})
	if fault.Of(err) != fault.Missing && err == nil {
		t.Errorf("a commit that is not there: %v", err)
	}
	if diff := cmp.Diff("version=2", s.since(0)[0].protocol); diff != "" {
		t.Error(diff)
	}
}
