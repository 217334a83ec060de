package risk_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/risk"
)

// change is what a case describes.
func change(t *testing.T, before, after string) risk.Change {
	t.Helper()
	builtin, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	parse := func(text string) []*unstructured.Unstructured {
		objects, err := drift.Parse(strings.NewReader(text), "case")
		if err != nil {
			t.Fatal(err)
		}
		return objects
	}
	was, is := parse(before), parse(after)
	c := risk.Change{Deleted: len(is) == 0, Created: len(was) == 0}
	for _, u := range was {
		c.Key, c.Before = object.KeyOf(u), u.Object
	}
	for _, u := range is {
		key := object.KeyOf(u)
		if c.Before != nil && key != c.Key { // it is renamed
			c.Deleted, c.Created, c.Was = true, true, c.Key
		}
		c.Key, c.After = key, u.Object
	}
	for _, o := range drift.Between(drift.Manifests{Before: was, After: is, Schemas: builtin}).Objects {
		for _, f := range o.Fields {
			c.Paths = append(c.Paths, f.Path)
		}
	}
	return c
}

// TestRules runs every case of testdata, and holds that every rule finds
// something in one.
func TestRules(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	found := map[string]bool{}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{}
		for _, f := range archive.Files {
			parts[f.Name] = string(f.Data)
		}
		c := change(t, parts["before"], parts["after"])
		c.Kept = strings.TrimSpace(parts["kept"])
		if said, ok := parts["live"]; ok {
			if err := yaml.UnmarshalStrict([]byte(said), &c.Live); err != nil {
				t.Fatal(err)
			}
		}
		var got strings.Builder
		for _, f := range risk.Sort(risk.Default().Judge(c)) {
			found[f.Rule] = true
			got.WriteString(f.Rule + ": " + string(f.Severity) + ": " + f.Message + "\n")
		}
		want := strings.Split(parts["want"], "\n")
		lines := strings.Split(got.String(), "\n")
		if diff := cmp.Diff(sorted(want), sorted(lines)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, r := range risk.Rules() {
		if !found[r.Name] && r.Find != nil {
			t.Errorf("no case in which %s finds anything", r.Name)
		}
		if r.About == "" {
			t.Errorf("%s says nothing about itself", r.Name)
		}
	}
}

func sorted(lines []string) map[string]int {
	out := map[string]int{}
	for _, line := range lines {
		out[line]++
	}
	return out
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	c := change(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: n}\n", "")
	set, err := risk.Default().With(map[string]risk.Severity{"delete": risk.Critical})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Judge(c); len(got) != 1 || got[0].Severity != risk.Critical {
		t.Errorf("got %v", got)
	}
	if set, err = set.With(map[string]risk.Severity{"delete": risk.Off}); err != nil {
		t.Fatal(err)
	}
	if got := set.Judge(c); len(got) != 0 {
		t.Errorf("a rule that is off finds %v", got)
	}
	_, err = set.With(map[string]risk.Severity{"nonsense": risk.Critical, "image": "grave"})
	const want = `set severities: rule image: "grave" is no severity; want critical, warning, notice or off; there is no rule "nonsense"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b risk.Severity
		want bool
	}{
		{risk.Critical, risk.Warning, true},
		{risk.Warning, risk.Warning, true},
		{risk.Notice, risk.Warning, false},
		{risk.Critical, risk.Off, false},
		{risk.Off, risk.Notice, false},
	} {
		if got := c.a.AtLeast(c.b); got != c.want {
			t.Errorf("%s at least %s: %v", c.a, c.b, got)
		}
	}
}

// TestOldName holds that what goes away by a new name is told of the old one,
// and what the new object is of the new one.
func TestOldName(t *testing.T) {
	t.Parallel()
	manifest := func(name, image string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: shop}\nspec: {template: {spec: {containers: [{name: web, image: " + image + "}]}}}\n"
	}
	c := change(t, manifest("old", "web:1"), manifest("new", "web:2"))
	got := map[string]string{}
	for _, f := range risk.Default().Judge(c) {
		got[f.Rule] = f.Object
	}
	want := map[string]string{"delete-workload": "Deployment shop/old", "image": "Deployment shop/new"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	c.Kept = "pruning is off"
	for _, f := range risk.Default().Judge(c) {
		if f.Rule == "kept" && f.Object != "Deployment shop/old" {
			t.Errorf("%s is told to stay", f.Object)
		}
	}
}
