package drift

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/schema"
)

var update = flag.Bool("update", false, "rewrite want.json in the test data")

func builtin(t testing.TB) *schema.Set {
	t.Helper()
	set, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func objects(t testing.TB, archive *txtar.Archive, name string) []*unstructured.Unstructured {
	t.Helper()
	out, err := Parse(bytes.NewReader(file(archive, name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func file(archive *txtar.Archive, name string) []byte {
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func render(t testing.TB, report Report) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(report); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCompare runs testdata/*.txtar: desired.yaml and live.yaml give
// want.json. Files in testdata/insync have no want.json: no object may be
// Modified, Missing or Extra, and nothing undeclared.
func TestCompare(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, name := range archives(t, "*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in := Input{Desired: objects(t, archive, "desired.yaml"), Live: objects(t, archive, "live.yaml"), Schemas: set}
			got := render(t, Compare(in))
			if *update {
				rewrite(t, name, archive, got)
			}
			if diff := cmp.Diff(string(file(archive, "want.json")), got); diff != "" {
				t.Errorf("%s(-want +got):\n%s", archive.Comment, diff)
			}
		})
	}
}

func archives(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data %s: %v", pattern, err)
	}
	return names
}

func rewrite(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	for i, f := range archive.Files {
		if f.Name == "want.json" {
			archive.Files[i].Data = []byte(got)
		}
	}
	if file(archive, "want.json") == nil {
		archive.Files = append(archive.Files, txtar.File{Name: "want.json", Data: []byte(got)})
	}
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFreshlySyncedIsInSync(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, name := range archives(t, filepath.Join("insync", "*.txtar")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			desired, live := objects(t, archive, "desired.yaml"), objects(t, archive, "live.yaml")
			freshlySynced(t, Input{Desired: desired, Live: live, Schemas: set})
		})
	}
}
