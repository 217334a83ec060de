package git_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestMergeBaseAsGitFinds compares with git itself, over histories with merges.
func TestMergeBaseAsGitFinds(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		r := newRepo(t)
		random := rand.New(rand.NewPCG(7, 2))
		past(r, random, 40)
		url := r.fileURL()
		if served {
			url = r.server().start(t)
		}
		m := mirrors(t, nil)
		commits := strings.Fields(r.git("rev-list", "--all"))
		for range 40 {
			a, b := commits[random.IntN(len(commits))], commits[random.IntN(len(commits))]
			want := strings.Fields(r.git("merge-base", "--all", a, b))
			got, err := m.MergeBase(t.Context(), url, a, b)
			if err != nil || !slices.Contains(want, got) {
				t.Errorf("served %v: %.7s and %.7s have %q, git says %q: %v", served, a, b, got, want, err)
			}
		}
	}
}

// TestMergeBaseFarBack fetches the history in steps until it has it.
func TestMergeBaseFarBack(t *testing.T) {
	t.Parallel()
	r, ana := story(t)
	r.git("branch", "side", ana)
	r.more(400)
	r.git("switch", "-q", "side")
	r.write("side", "1")
	side := r.commit("Side")
	url, m := r.server().start(t), mirrors(t, nil)
	main := r.git("rev-parse", "main")
	got, err := m.MergeBase(t.Context(), url, main, side)
	if err != nil || got != ana {
		t.Errorf("got %s, want %s: %v", got, ana, err)
	}
	if got, err := m.MergeBase(t.Context(), url, ana, main); err != nil || got != ana {
		t.Errorf("a commit that the other comes from: %s, %v", got, err)
	}
	r.git("switch", "-q", "--orphan", "other")
	r.write("other", "1")
	other := r.commit("Other")
	for _, pair := range [][2]string{{main, other}, {main, "main"}} {
		if got, err := m.MergeBase(t.Context(), url, pair[0], pair[1]); fault.Of(err) != fault.Invalid {
			t.Errorf("%v: %q, %v", pair, got, err)
		}
	}
}

// TestFresh: it sees what was pushed since the last poll, and the next poll
// tells of it all the same.
func TestFresh(t *testing.T) {
	t.Parallel()
	r, _ := story(t)
	url, m := r.server().start(t), mirrors(t, nil)
	tree(t, m, url, "main")
	if _, err := m.Poll(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	r.write("more", "1")
	want := r.commit("More")
	if got := tree(t, m, url, "main"); got.Commit.SHA == want {
		t.Fatal("the test shows nothing: the commit is seen without a question")
	}
	got, err := m.Fresh(t.Context(), snapshot.Location{RepoURL: url, Revision: "main"})
	if err != nil || got.Commit.SHA != want {
		t.Errorf("got %s, want %s: %v", got.Commit.SHA, want, err)
	}
	if changed, err := m.Poll(t.Context(), url); err != nil || !changed {
		t.Errorf("the poll after it: %v, %v", changed, err)
	}
}
