package git_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestSinceIsExact: over random histories, of files, folders, links and
// submodules that take each other's places, what two commits are said to
// differ in leads to the same verdict on every read-set as asking for
// everything.
func TestSinceIsExact(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &treeHistory{rand: rand.New(rand.NewPCG(seed, 7)), at: map[string]string{}, paths: map[string]bool{"none": true, "a/none/x": true, "..": true}}
			trees := h.open(t, 24)
			pairs, same, changed := 0, 0, 0
			for i, before := range trees {
				all := answers(before.FS, slices.Sorted(maps.Keys(h.paths)))
				for j := range min(i+7, len(trees)) {
					now := trees[j]
					since, ok := now.FS.(snapshot.Differ).Since(before.Commit.SHA)
					if !ok {
						t.Fatalf("commit %d cannot tell how it differs from %d", j, i)
					}
					pairs++
					for _, set := range parts(all, h.rand) {
						want := set.Changed(now.FS) != ""
						path, _ := set.ChangedSince(now.FS, since, set.Winding(before.FS))
						if got := path != ""; got != want {
							t.Fatalf("from commit %d to %d, %v: changed is %v (%s), want %v (%s)\n%v", i, j, set, got, path, want, set.Changed(now.FS), since)
						}
						if want {
							changed++
						} else {
							same++
						}
					}
				}
			}
			if same < 1000 || changed < 1000 {
				t.Errorf("%d pairs of commits, %d verdicts that nothing changed, %d that something did: the test shows little", pairs, same, changed)
			}
		})
	}
}

// answers asks everything at every path.
func answers(files snapshot.FS, paths []string) snapshot.ReadSet {
	traced := snapshot.Trace(files)
	for _, name := range paths {
		_, _ = traced.ReadFile(name)
		_, _ = traced.ReadDir(name)
		_, _ = traced.Stat(name)
	}
	return traced.ReadSet()
}

// parts are read-sets of one answer each, and some of many.
func parts(all snapshot.ReadSet, random *rand.Rand) []snapshot.ReadSet {
	var out []snapshot.ReadSet
	some := make([]snapshot.ReadSet, 10)
	for i := range some {
		some[i] = snapshot.ReadSet{Content: map[string]string{}, Listing: map[string]string{}, Kind: map[string]string{}}
	}
	split := func(from map[string]string, of func(*snapshot.ReadSet) *map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(from)) {
			var one snapshot.ReadSet
			*of(&one) = map[string]string{name: from[name]}
			out = append(out, one)
			(*of(&some[random.IntN(len(some))]))[name] = from[name]
		}
	}
	split(all.Content, func(r *snapshot.ReadSet) *map[string]string { return &r.Content })
	split(all.Listing, func(r *snapshot.ReadSet) *map[string]string { return &r.Listing })
	split(all.Kind, func(r *snapshot.ReadSet) *map[string]string { return &r.Kind })
	return append(out, some...)
}

// treeHistory makes trees of few names, so that things take each other's
// places.
type treeHistory struct {
	rand  *rand.Rand
	at    map[string]string // by path: content, "-> target", or "submodule"
	paths map[string]bool   // all that ever were, and their parents
}

func (h *treeHistory) name() string {
	names := []string{"a", "b", "c", "a.d"}
	parts := make([]string, 1+h.rand.IntN(3))
	for i := range parts {
		parts[i] = names[h.rand.IntN(len(names))]
	}
	return strings.Join(parts, "/")
}

func (h *treeHistory) change() {
	name := h.name()
	if h.rand.IntN(4) == 0 && len(h.at) > 0 {
		all := slices.Sorted(maps.Keys(h.at))
		delete(h.at, all[h.rand.IntN(len(all))])
		return
	}
	for other := range h.at { // what is in the way goes
		if other == name || strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			delete(h.at, other)
		}
	}
	content := fmt.Sprint("content ", h.rand.IntN(3))
	switch h.rand.IntN(8) {
	case 0:
		content = "-> " + strings.Repeat("../", strings.Count(name, "/")) + h.name()
	case 1:
		content = "-> /etc/passwd"
	case 2:
		content = "submodule"
	}
	h.at[name] = content
	if h.rand.IntN(10) == 0 {
		h.at[".gitmodules"] = fmt.Sprintf("[submodule \"x\"]\n\tpath = %s\n\turl = file:///%d\n", name, h.rand.IntN(2))
	}
	for ; name != "."; name = path.Dir(name) {
		h.paths[name], h.paths[name+"/x"] = true, true
	}
	h.paths["."] = true
}

// open writes commits and opens them, from a bare repository on disk.
func (h *treeHistory) open(t *testing.T, commits int) []snapshot.Tree {
	t.Helper()
	var stream bytes.Buffer
	for i := range commits {
		for range 1 + h.rand.IntN(6) {
			h.change()
		}
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ana <a@example.com> %d +0000\ndata 1\nc\ndeleteall\n", 1_700_000_000+i)
		for _, name := range slices.Sorted(maps.Keys(h.at)) {
			data := h.at[name]
			target, link := strings.CutPrefix(data, "-> ")
			switch {
			case data == "submodule":
				fmt.Fprintf(&stream, "M 160000 %040d %s\n", 1+h.rand.IntN(2), name)
			case link:
				fmt.Fprintf(&stream, "M 120000 inline %s\ndata %d\n%s\n", name, len(target), target)
			default:
				mode := []string{"100644", "100755"}[h.rand.IntN(2)]
				fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, name, len(data), data)
			}
		}
	}
	dir := t.TempDir()
	for _, args := range [][]string{{"init", "-q", "--bare"}, {"fast-import", "--quiet"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Stdin = dir, &stream
		if args[0] == "init" {
			cmd.Stdin = nil
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	list := exec.CommandContext(t.Context(), "git", "rev-list", "--reverse", "main")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := mirrors(t, nil)
	var trees []snapshot.Tree
	for _, sha := range strings.Fields(string(out)) {
		tree, err := m.Tree(t.Context(), snapshot.Location{RepoURL: "file://" + dir, Revision: sha})
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
	}
	return trees
}
