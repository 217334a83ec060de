package known

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table in docs/drift.md")

// TestDocs: the table of rules in the documentation is the rules.
func TestDocs(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../docs/drift.md", "<!-- rules: made by go test ./drift/known -update -->\n", "<!-- /rules -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the rules", file)
	}
	want := table()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run go test ./drift/known -update (-want +got):\n%s", diff)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| Rule | Kinds | Fields | Explains |\n|---|---|---|---|\n")
	for _, m := range Meanings() {
		var kinds, fields []string
		for _, r := range Rules() {
			if r.Name != m.Name {
				continue
			}
			kinds, fields = once(kinds, strings.Replace(r.Kind, "*", "any", 1)), once(fields, "`"+strings.Join(r.Path, ".")+"`")
		}
		if m.Name == Controller {
			kinds, fields = []string{"any"}, []string{"any"}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, strings.Join(kinds, ", "), strings.Join(fields, ", "), m.Says)
	}
	return b.String()
}

func once(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// TestEveryRuleSaysWhatItMeans: none without a meaning, no meaning without a
// rule.
func TestEveryRuleSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	var meant, there []string
	for _, m := range Meanings() {
		meant = once(meant, m.Name)
	}
	for _, r := range Rules() {
		there = once(there, r.Name)
	}
	there = append(there, Controller)
	slices.Sort(meant)
	slices.Sort(there)
	if diff := cmp.Diff(there, meant); diff != "" {
		t.Errorf("(-rules +meanings):\n%s", diff)
	}
}
