package pack

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

// FuzzIndex takes in packs that a hostile server may send: each is refused,
// or is one that can be read in full.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	for _, script := range []string{
		"git init -q . && git config user.email a@b && git config user.name a",
		"seq 1 500 > a && git add a && git commit -qm 1 && seq 1 501 > a && git add a && git commit -qm 2",
		"git rev-list --objects --all | git pack-objects --stdout -q > whole",
		"printf 'HEAD\\n^HEAD~1\\n' | git pack-objects --thin --revs --stdout -q > thin",
	} {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			f.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	for _, name := range []string{"whole", "thin"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open(filepath.Join(t.TempDir(), "x.git"), NewCache(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		var all []entry
		pack, err := s.write(func(out *os.File) ([]entry, plumbing.Hash, error) {
			entries, sum, err := index(t.Context(), bytes.NewReader(data), out, s.Set())
			all = entries
			return entries, sum, err
		})
		if err != nil || pack == nil {
			return
		}
		set := &Set{files: []*file{pack}, cache: s.cache}
		for _, e := range all {
			kind, content, err := set.Read(e.hash)
			if err != nil || hashOf(kind, content) != e.hash {
				t.Errorf("%s was indexed and does not read: %v", e.hash, err)
			}
			if size, err := set.Size(e.hash); err != nil || size != int64(len(content)) {
				t.Errorf("%s has the size %d, %v", e.hash, size, err)
			}
		}
	})
}

// FuzzPatch applies any delta to any base.
func FuzzPatch(f *testing.F) {
	f.Add([]byte("hello"), []byte{5, 6, 0x90, 5, 1, '!'})
	f.Add([]byte("hello"), []byte{5, 3, 0x91, 1, 3})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := patch(base, delta)
		if err != nil {
			return
		}
		if _, size, _, err := deltaSizes(delta); err != nil || size != int64(len(out)) {
			t.Errorf("%d bytes where the delta says %d, %v", len(out), size, err)
		}
	})
}
