package git_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/git"
)

// TestSweep: mirrors that an earlier process left go after their time, unless
// this one uses them; what is no mirror stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	dir := t.TempDir()
	mirrorOf := func(name string, m *git.Mirrors) (*repo, string) {
		t.Helper()
		before := list(t, dir)
		r := newRepo(t)
		r.write("v", name)
		r.commit(name)
		url, _ := r.serve("")
		tree(t, m, url, "main")
		for _, found := range list(t, dir) {
			if !slices.Contains(before, found) {
				return r, found
			}
		}
		t.Fatal("no mirror was made")
		return nil, ""
	}
	now := time.Now()
	clock := func() time.Time { return now }
	earlier := git.New(git.Options{Dir: dir, Now: clock})
	_, left := mirrorOf("left", earlier)
	used, usedName := mirrorOf("used", earlier)
	earlier.Close()
	usedURL, _ := used.serve("") // another URL, so that a mirror of its own
	stranger := []string{"notes.git", "0123456789abcdef0123.tar", ".gone-notes", "0123456789ABCDEF0123.git"}
	for _, name := range stranger {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "ffffffffffffffffffff.git")); err != nil {
		t.Fatal(err)
	}
	stranger = append(stranger, "ffffffffffffffffffff.git")
	for _, name := range stranger {
		if err := os.Chtimes(filepath.Join(dir, name), now.Add(-99*day), now.Add(-99*day)); err != nil {
			t.Fatal(err)
		}
	}

	m := git.New(git.Options{Dir: dir, Now: clock})
	tree(t, m, usedURL, "main")
	inUse := slices.DeleteFunc(list(t, dir), func(name string) bool { return name == left || name == usedName || slices.Contains(stranger, name) })
	if len(inUse) != 1 {
		t.Fatalf("the mirrors in use are %v", inUse)
	}
	sweep := func(want int, stay ...string) {
		t.Helper()
		removed, err := m.Sweep(7 * day)
		if err != nil || removed != want {
			t.Errorf("%d were removed, want %d: %v", removed, want, err)
		}
		stay = append(append(stay, stranger...), inUse...)
		slices.Sort(stay)
		if diff := cmp.Diff(stay, list(t, dir)); diff != "" {
			t.Errorf("what stays (-want +got):\n%s", diff)
		}
	}
	sweep(0, left, usedName)
	now = now.Add(6 * day)
	sweep(0, left, usedName)
	now = now.Add(2 * day)
	if err := os.MkdirAll(filepath.Join(dir, ".gone-"+left), 0o750); err != nil { // a process died in the middle
		t.Fatal(err)
	}
	sweep(2)
	if got := read(t, tree(t, m, usedURL, "main"), "v"); got != "used" {
		t.Errorf("the mirror in use reads %q", got)
	}

	// The next process finds the mirror that was in use a moment ago, and keeps
	// it for as long.
	m.Close()
	m = git.New(git.Options{Dir: dir, Now: clock})
	now = now.Add(6 * day)
	sweep(0)
	now = now.Add(2 * day)
	mirror := inUse[0]
	inUse = nil
	sweep(1)
	if slices.Contains(list(t, dir), mirror) {
		t.Error("it was to be gone")
	}
	if got := read(t, tree(t, m, usedURL, "main"), "v"); got != "used" {
		t.Errorf("a repository whose mirror was removed reads %q", got)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
