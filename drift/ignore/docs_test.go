package ignore

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestDocs: every rule in the documentation and in the examples is well
// formed, and the table that the documentation shows is what the command
// prints.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/drift.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	rules := 0
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		var document struct {
			Kind     string
			Metadata struct{ Annotations map[string]string }
			Spec     struct {
				IgnoreDifferences []Rule `json:"ignoreDifferences"`
			}
		}
		if err := yaml.Unmarshal([]byte(block), &document); err != nil {
			t.Errorf("%v in\n%s", err, block)
			continue
		}
		all := named(document.Spec.IgnoreDifferences, "docs")
		var problems []Problem
		if document.Kind == "ConfigMap" && document.Metadata.Annotations == nil {
			all, problems = FromFile("docs", []byte(block))
		}
		_, more := Compile(all...)
		_, own := FromAnnotation(document.Metadata.Annotations[Annotation])
		if document.Metadata.Annotations[Annotation] == "" {
			own = nil
		}
		for _, p := range append(append(problems, more...), own...) {
			t.Errorf("%s in\n%s", p, block)
		}
		rules += len(all) + len(document.Metadata.Annotations)
	}
	if rules < 8 {
		t.Errorf("only %d rules found in the documentation", rules)
	}
	example, err := os.ReadFile("../../examples/rules/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, problems := FromFile("rules.yaml", example)
	if _, more := Compile(all...); len(problems)+len(more) > 0 {
		t.Errorf("%v %v", problems, more)
	}
	printed, err := os.ReadFile("../../cmd/trueup/testdata/rules.golden")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), string(printed)) {
		t.Errorf("the documentation does not show\n%s", printed)
	}
}
