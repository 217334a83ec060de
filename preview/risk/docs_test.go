package risk_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/preview/risk"
)

// TestDocumentation holds that the documentation lists every rule.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	const name = "../../docs/preview.md"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- rules: made by go test ./preview/risk -update -->\n", "<!-- /rules -->"
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the rules", name)
	}
	var b strings.Builder
	b.WriteString("| Rule | Severity | Finds |\n|---|---|---|\n")
	for _, r := range risk.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Severity, r.About)
	}
	golden.File(t, name, head+begin+b.String()+end+tail)
}
