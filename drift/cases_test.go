package drift

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
)

// TestCases runs what is too small for a report in JSON: testdata/meaning has
// one file for each sentence about states and classes, testdata/known one for
// each built-in rule, testdata/rules what users write. desired.yaml and
// live.yaml, with rules.yaml and around.yaml where there are any, give
// want.txt.
func TestCases(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, name := range append(append(archives(t, "meaning/*.txtar"), archives(t, "known/*.txtar")...), archives(t, "rules/*.txtar")...) {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(name, "testdata/"), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rules, problems := ignore.FromFile("rules.yaml", file(archive, "rules.yaml"))
			compiled, more := ignore.Compile(rules...)
			in := Input{
				Desired: objects(t, archive, "desired.yaml"), Live: objects(t, archive, "live.yaml"),
				Around: objects(t, archive, "around.yaml"), Schemas: set, Rules: compiled,
			}
			var b strings.Builder
			for _, p := range append(problems, more...) {
				fmt.Fprintln(&b, p)
			}
			summarize(&b, Compare(in))
			if *update {
				rewriteText(t, name, archive, b.String())
			}
			if diff := cmp.Diff(string(file(archive, "want.txt")), b.String()); diff != "" {
				t.Errorf("%s(-want +got):\n%s", archive.Comment, diff)
			}
		})
	}
}

// TestEveryRuleHasACase: where it explains something, and where it does not.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	for _, m := range known.Meanings() {
		archive, err := txtar.ParseFile("testdata/known/" + m.Name + ".txtar")
		if err != nil {
			t.Error(err)
			continue
		}
		want := string(file(archive, "want.txt"))
		told := strings.Contains(want, "  undeclared ") || strings.Contains(want, "  declared ")
		if !strings.Contains(want, " ("+m.Name+")\n") || !told {
			t.Errorf("the case of %s does not show both what the rule explains and what it leaves:\n%s", m.Name, want)
		}
	}
}

// summarize prints one line per object and per difference.
func summarize(b *strings.Builder, report Report) {
	for _, o := range report.Objects {
		fmt.Fprintf(b, "%s %s\n", o.State, o.Key().Short())
		for _, f := range o.Fields {
			by, rule := f.Manager, ""
			if by == "" {
				by = "nobody known"
			}
			if f.Rule != "" {
				rule = " (" + f.Rule + ")"
			}
			fmt.Fprintf(b, "  %s %s: %s -> %s by %s%s\n", f.Class, f.Path, compact(f.Desired), compact(f.Live), by, rule)
		}
		for _, h := range o.Rules {
			line := fmt.Sprintf("  rule %s: places %d, explains %d", h.Rule, h.Places, h.Fields)
			if h.Whole {
				line += ", the whole object"
			}
			if h.Message != "" {
				line += ": " + h.Message
			}
			fmt.Fprintln(b, line)
		}
	}
}

func rewriteText(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	var out []txtar.File
	for _, f := range archive.Files {
		if f.Name != "want.txt" {
			out = append(out, f)
		}
	}
	archive.Files = append(out, txtar.File{Name: "want.txt", Data: []byte(got)})
	if err := os.WriteFile(filepath.Clean(name), bytes.TrimLeft(txtar.Format(archive), "\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
