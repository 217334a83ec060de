package git_test

import (
	"testing"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestTagsOfLocalRepositoriesMove: what a tag was about is remembered from one
// question to the next, and a tag that moves is another one.
func TestTagsOfLocalRepositoriesMove(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.write("v", "1")
	first := r.commit("One")
	r.git("tag", "-a", "v1", "-m", "x")
	m, url := mirrors(t, nil), r.fileURL()
	at := func(want string, changed bool) {
		t.Helper()
		moved, err := m.Poll(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if moved != changed {
			t.Errorf("news: %v, want %v", moved, changed)
		}
		tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "v1"})
		if err != nil {
			t.Fatal(err)
		}
		if tree.Commit.SHA != want {
			t.Errorf("v1 is at %s, want %s", tree.Commit.SHA, want)
		}
	}
	if _, err := m.Tree(t.Context(), snapshot.Location{RepoURL: url, Revision: "v1"}); err != nil {
		t.Fatal(err)
	}
	at(first, false)
	at(first, false)
	r.write("v", "2")
	second := r.commit("Two")
	r.git("tag", "-a", "v1", "-m", "x", "--force")
	at(second, true)
	r.git("pack-refs", "--all")
	r.git("gc", "-q")
	at(second, false)
}
