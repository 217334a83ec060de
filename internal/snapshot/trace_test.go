package snapshot_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"apps/shop/web.yaml":   {Data: []byte("kind: A")},
		"apps/shop/sub/x.yaml": {Data: []byte("kind: X")},
		"apps/other/o.yaml":    {Data: []byte("kind: O")},
	}
}

// read is what an engine might ask of a tree.
func read(t *testing.T) snapshot.ReadSet {
	t.Helper()
	traced := snapshot.Trace(files())
	if _, err := traced.Stat("apps/shop/kustomization.yaml"); err == nil {
		t.Fatal("there is no kustomization")
	}
	if _, err := traced.ReadDir("apps/shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := traced.ReadFile("apps/shop/web.yaml"); err != nil {
		t.Fatal(err)
	}
	if _, err := traced.ReadFile("apps/shop/values.yaml"); err == nil {
		t.Fatal("there are no values")
	}
	return traced.ReadSet()
}

func TestReadSetHoldsUntilAnAnswerChanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		change func(fstest.MapFS)
		holds  bool
	}{
		{"nothing changed", func(fstest.MapFS) {}, true},
		{"a file that nobody read changed", func(m fstest.MapFS) { m["apps/other/o.yaml"] = &fstest.MapFile{Data: []byte("x")} }, true},
		{"a file below a listed folder changed, the list did not", func(m fstest.MapFS) { m["apps/shop/sub/x.yaml"] = &fstest.MapFile{Data: []byte("x")} }, true},
		{"a file that was read changed", func(m fstest.MapFS) { m["apps/shop/web.yaml"] = &fstest.MapFile{Data: []byte("x")} }, false},
		{"a file that was read is gone", func(m fstest.MapFS) { delete(m, "apps/shop/web.yaml") }, false},
		{"a listed folder got a file", func(m fstest.MapFS) { m["apps/shop/new.yaml"] = &fstest.MapFile{Data: []byte("x")} }, false},
		{"a file that was looked for appeared", func(m fstest.MapFS) {
			m["apps/shop/kustomization.yaml"] = &fstest.MapFile{Data: []byte("x")}
		}, false},
		{"a missing file that was read for appeared", func(m fstest.MapFS) {
			m["apps/shop/values.yaml"] = &fstest.MapFile{Data: []byte("x")}
		}, false},
	} {
		m := files()
		tc.change(m)
		if got := read(t).Holds(m); got != tc.holds {
			t.Errorf("%s: holds = %v", tc.reason, got)
		}
	}
	want := []string{"apps/shop", "apps/shop/kustomization.yaml", "apps/shop/values.yaml", "apps/shop/web.yaml"}
	if diff := cmp.Diff(want, read(t).Paths()); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

// byID knows the ids of files and of folders with all below them, as Git does.
type byID struct{ fstest.MapFS }

func (b byID) Hash(name string) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(b.MapFS, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = fmt.Fprintf(h, "%q %q\n", p, b.MapFS[p].Data)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// TestFolderReadAsAFile has somebody try to read a folder as a file, as
// kustomize does: what is in the folder does not matter then.
func TestFolderReadAsAFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		change func(fstest.MapFS)
		holds  bool
	}{
		{"nothing changed", func(fstest.MapFS) {}, true},
		{"a file in the folder changed", func(m fstest.MapFS) { m["apps/shop/web.yaml"] = &fstest.MapFile{Data: []byte("x")} }, true},
		{"the folder got a file", func(m fstest.MapFS) { m["apps/shop/README.md"] = &fstest.MapFile{Data: []byte("x")} }, true},
		{"the folder is a file now", func(m fstest.MapFS) {
			maps.DeleteFunc(m, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "apps/shop/") })
			m["apps/shop"] = &fstest.MapFile{Data: []byte("x")}
		}, false},
		{"the folder is gone", func(m fstest.MapFS) {
			maps.DeleteFunc(m, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "apps/shop/") })
		}, false},
	} {
		for kind, as := range map[string]func(fstest.MapFS) snapshot.FS{
			"by id": func(m fstest.MapFS) snapshot.FS { return byID{m} }, "by content": func(m fstest.MapFS) snapshot.FS { return m },
		} {
			traced := snapshot.Trace(as(files()))
			if _, err := traced.ReadFile("apps/shop"); err == nil {
				t.Fatal("a folder was read")
			}
			if _, err := traced.Stat("apps/shop"); err != nil {
				t.Fatal(err)
			}
			set := traced.ReadSet()
			if set.Len() != 1 {
				t.Errorf("%s, %s: got %d answers, want one that tells both", tc.reason, kind, set.Len())
			}
			m := files()
			tc.change(m)
			if got := set.Holds(as(m)); got != tc.holds {
				t.Errorf("%s, %s: holds = %v, want %v", tc.reason, kind, got, tc.holds)
			}
		}
	}
}

func TestDirStaysInside(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "a.yaml"), []byte("a: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	link("a.yaml", "inside")
	link(filepath.Join(outside, "secret"), "absolute")
	link("../"+filepath.Base(outside)+"/secret", "relative")

	tree, err := snapshot.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tree.FS.ReadFile("inside"); err != nil || string(data) != "a: 1" {
		t.Errorf("a link inside the directory: %q, %v", data, err)
	}
	for _, name := range []string{"absolute", "relative"} {
		if _, err := tree.FS.ReadFile(name); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v, want an invalid link", name, err)
		}
	}
	if _, err := tree.FS.ReadFile("../" + filepath.Base(outside) + "/secret"); err == nil {
		t.Error("a path with .. must not be read")
	}
}

func TestDirRefusesHugeFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "big.yaml"), []byte(strings.Repeat("a", snapshot.MaxFileSize+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	tree, err := snapshot.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(tree.FS, "big.yaml"); fault.Of(err) != fault.Invalid {
		t.Errorf("got %v, want a refusal", err)
	}
}

// closed are files of which one cannot be looked at.
type closed struct{ fstest.MapFS }

func (c closed) Stat(name string) (fs.FileInfo, error) {
	if name == "apps/closed" {
		return nil, fault.New(fault.Denied, "stat %s: it is closed", name)
	}
	return c.MapFS.Stat(name)
}

// TestOpenRemembersWhyItFailed: a path that cannot be read is another answer
// than one that is not there.
func TestOpenRemembersWhyItFailed(t *testing.T) {
	t.Parallel()
	traced := snapshot.Trace(closed{files()})
	for _, name := range []string{"apps/closed", "apps/none"} {
		if _, err := traced.Open(name); err == nil {
			t.Fatalf("%s was opened", name)
		}
	}
	set := traced.ReadSet()
	if diff := cmp.Diff(map[string]string{"apps/closed": "!stat apps/closed: it is closed", "apps/none": snapshot.Absent}, set.Kind); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !set.Holds(closed{files()}) {
		t.Error("the same answers do not hold")
	}
	if set.Holds(files()) {
		t.Error("a path that is not there counts as one that is closed")
	}
}
