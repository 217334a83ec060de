package git_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
)

// TestRevisionsOfCopies: a revision is the commit that git takes it for, also
// where a branch is called as an id begins.
func TestRevisionsOfCopies(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := r.commit("One")
	second := r.commit("Two")
	third := r.commit("Three")
	r.git("checkout", "-q", "-b", "side", second)
	r.commit("Aside")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
	r.git("branch", first[:4], second)
	r.git("branch", third[:7], first)
	r.git("update-ref", "refs/heads/"+third, first)
	r.git("update-ref", "refs/heads/"+strings.Repeat("ab", 20), first)
	r.git("branch", "both", first)
	r.git("tag", "both", second)
	r.git("tag", "-a", "-m", "x", second[:5], third)
	r.git("tag", "-a", "-m", "x", "again", second[:5])
	r.git("update-ref", "refs/remotes/origin/main", second)
	r.git("update-ref", "refs/remotes/origin/theirs", first)
	r.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	r.git("update-ref", "refs/pull/7/head", third)
	r.git("branch", "config", second)
	r.git("branch", "user@host", third)
	r.git("branch", "feature/x", third)
	copied, err := git.OpenCopy(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, revision := range []string{
		"HEAD", "HEAD~2", "HEAD^2", "HEAD^^", "@", "@~1", "main", "main~1", "main^{commit}", "heads/main", "refs/heads/main", "feature/x", "user@host", "user@host~1", "config",
		first, first[:4], first[:5], first[:4] + "~1", first[:12], strings.ToUpper(first[:11]), third, third[:7], third[:8], third[:7] + "^0", strings.Repeat("ab", 20),
		"both", "heads/both", "tags/both", second[:5], second[:5] + "~1", second[:6], "again", "origin", "origin/main", "origin/theirs", "theirs", "pull/7/head", "refs/pull/7/head",
		"none", "none~1", first[:3], "main~9", "abcdef0123", "", "..", "../config", "objects", "a b",
	} {
		cmd := exec.Command("git", "rev-parse", "--verify", "-q", "--end-of-options", revision+"^{commit}")
		cmd.Dir = r.dir
		out, failed := cmd.Output()
		want := strings.TrimPrefix(strings.TrimSpace(string(out)), "--end-of-options\n")
		got, err := copied.Commit(revision)
		if got != want || (err == nil) != (failed == nil) || err != nil && fault.Of(err) != fault.Missing {
			t.Errorf("%q: got %s, %v; git says %q", revision, got, err, want)
		}
	}
}
