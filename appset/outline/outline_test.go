package outline_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/outline"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

func read(t *testing.T, generators string) ([]*outline.Node, []string, error) {
	t.Helper()
	var set v1alpha1.ApplicationSet
	if err := yaml.UnmarshalStrict([]byte(generators), &set.Spec.Generators); err != nil {
		t.Fatal(err)
	}
	return outline.Read(&set)
}

// places are the paths of all nodes, those that parameters may change with a *.
func places(nodes []*outline.Node) (out []string) {
	for _, n := range nodes {
		path := n.Path
		if n.Templated() {
			path += " *"
		}
		out = append(append(out, path), places(n.Children)...)
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	nodes, warnings, err := read(t, `
- list: {elements: []}
- matrix:
    generators:
    - clusters: {template: {metadata: {name: x}, spec: {destination: {}}}}
    - merge: {mergeKeys: [a], generators: [{git: {repoURL: "{{x}}", revision: HEAD}}, {matrix: {generators: [{list: {elements: []}}, {plugin: {configMapRef: {name: p}}}]}}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"generators[0].list",
		"generators[1].matrix *",
		"generators[1].matrix.generators[0].clusters",
		"generators[1].matrix.generators[1].merge *",
		"generators[1].matrix.generators[1].merge.generators[0].git *",
		"generators[1].matrix.generators[1].merge.generators[1].matrix",
		"generators[1].matrix.generators[1].merge.generators[1].matrix.generators[0].list",
		"generators[1].matrix.generators[1].merge.generators[1].matrix.generators[1].plugin",
	}
	if diff := cmp.Diff(want, places(nodes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"generators[1].matrix.generators[0].clusters: its template has no effect inside of matrix and merge"}, warnings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDepth: generators in generators end somewhere.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string {
		return strings.Repeat("{matrix: {generators: [{list: {elements: []}}, ", levels) + "{list: {elements: []}}" + strings.Repeat("]}}", levels)
	}
	if _, _, err := read(t, "["+nested(16)+"]"); err != nil {
		t.Errorf("16 levels: %v", err)
	}
	if _, _, err := read(t, "["+nested(17)+"]"); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "nested deeper than 16") {
		t.Errorf("17 levels: %v", err)
	}
}

// TestFilled: every text is filled, but for values and for what is inside,
// and nothing where there is nothing to fill it with.
func TestFilled(t *testing.T) {
	t.Parallel()
	language, err := text.New(text.Options{Go: true, Templates: []string{"missingkey=error"}})
	if err != nil {
		t.Fatal(err)
	}
	nodes, _, err := read(t, `
- git: {repoURL: "https://{{.host}}/x", revision: HEAD, directories: [{path: "{{.dir}}/*"}], values: {v: "{{.path.basename}}"}}
  selector: {matchLabels: {env: "{{.host}}"}}
- matrix: {generators: [{clusters: {}}, {git: {repoURL: "{{.host}}", revision: HEAD}}]}
- clusterDecisionResource: {configMapRef: c, name: n, values: {a: "{{.host}}", b: "{{.unknown}}"}}
`)
	if err != nil {
		t.Fatal(err)
	}
	scope := map[string]any{"host": "h", "dir": "d"}
	filled := func(i int, scope map[string]any) string {
		gen, err := nodes[i].Filled(language, scope)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(gen)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, want := range []string{`"https://h/x"`, `"d/*"`, `"{{.path.basename}}"`, `"matchLabels":{"env":"h"}`} {
		if got := filled(0, scope); !strings.Contains(got, want) {
			t.Errorf("want %s in %s", want, got)
		}
	}
	if got := filled(0, nil); !strings.Contains(got, "{{.dir}}") {
		t.Errorf("filled with nothing: %s", got)
	}
	if got := filled(1, scope); !strings.Contains(got, `"repoURL":"{{.host}}"`) {
		t.Errorf("what is inside has its turn later: %s", got)
	}
	if got := filled(2, scope); !strings.Contains(got, `{"a":"h","b":"{{.unknown}}"}`) {
		t.Errorf("values of decisions: %s", got)
	}
	_, err = nodes[0].Filled(language, map[string]any{"other": "x"})
	if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "generators[0].git.directories[0].path: ") || !strings.Contains(err.Error(), "generators[0].selector.matchLabels.env: ") {
		t.Errorf("a key that is missing, all places: %v", err)
	}
	if strings.Contains(filled(0, scope), "null") || !slices.Contains(places(nodes), "generators[0].git *") {
		t.Error("a generator with templates is not told as one")
	}
}

// TestQuestion: the same question has the same digest, another one another.
func TestQuestion(t *testing.T) {
	t.Parallel()
	ask := func(name string) string {
		q, err := outline.Question(&v1alpha1.ApplicationSetGenerator{Plugin: &v1alpha1.PluginGenerator{ConfigMapRef: v1alpha1.PluginConfigMapRef{Name: name}}})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	first, again, other := ask("a"), ask("a"), ask("b")
	if first != again || first == other {
		t.Errorf("a %s and %s, b %s", first, again, other)
	}
}
