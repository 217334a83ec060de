package pack_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/git/pack"
)

// TestThinPackWithChains: in a pack that lacks a base, further deltas build
// upon the one that waits for it, and tell where that is by its distance.
func TestThinPackWithChains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := `set -e
git init -q -b main .
git config user.name Ana; git config user.email ana@example.com
i=0; while [ $i -lt 300 ]; do echo "line $i of a file that is long enough to be worth a delta"; i=$((i+1)); done > file
git add file; git commit -q -m Start
git tag start
n=0; while [ $n -lt 12 ]; do n=$((n+1)); sed -i "$((n*20))s/.*/changed $n/" file; git commit -q -a -m "Change $n"; done
printf 'start\n' | git pack-objects --revs --stdout -q > held
printf 'main\n^start\n' | git pack-objects --thin --revs --delta-base-offset --stdout -q > thin
git rev-list --objects main | cut -d' ' -f1 > all
git rev-parse start > tip`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	s, err := pack.Open(filepath.Join(t.TempDir(), "x.git"), pack.NewCache(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), bytes.NewReader(read("held")), plumbing.NewHash(string(bytes.TrimSpace(read("tip"))))); err != nil {
		t.Fatal(err)
	}
	if err := s.Take(t.Context(), bytes.NewReader(read("thin"))); err != nil {
		t.Fatal(err)
	}
	for id := range bytes.FieldsSeq(read("all")) {
		if _, _, err := s.Set().Read(plumbing.NewHash(string(id))); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
