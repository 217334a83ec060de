// Package golden compares what tests get with what files in testdata say, and
// rewrites these with -update.
//
// It does not know what the files are about.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata") //nolint:gochecknoglobals // a flag of go test must exist before it parses them

// Updates reports that files are to be rewritten, for tests that record more
// than what they get.
func Updates() bool { return *update }

// Archives runs every testdata/*.txtar as a subtest: the last file of each,
// which must have the name want, is what run gives.
func Archives(t *testing.T, want string, run func(*testing.T, *txtar.Archive) string) {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := &archive.Files[len(archive.Files)-1]
			if last.Name != want {
				t.Fatalf("the last file is %q, want %q", last.Name, want)
			}
			got := run(t, archive)
			if *update {
				last.Data = []byte(got)
				rewrite(t, name, txtar.Format(archive))
			}
			compare(t, string(last.Data), got)
		})
	}
}

// File compares got with the content of a file.
func File(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		rewrite(t, name, []byte(got))
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, string(want), got)
}

func rewrite(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
