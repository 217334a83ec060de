package appset_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", expand)
}

// FuzzGenerate expands whole sets that hostile people write, over a file that
// they write as well: it ends, and gives applications or an error, never both.
func FuzzGenerate(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal("no cases to begin with")
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if file.Name == "set" {
				f.Add(string(file.Data), "[{name: a, n: 1000000}, {name: b, list: [x]}]")
			}
		}
	}
	f.Fuzz(func(t *testing.T, document, file string) {
		var set v1alpha1.ApplicationSet
		if yaml.Unmarshal([]byte(document), &set) != nil {
			return
		}
		world := &fakeWorld{files: fstest.MapFS{"apps/a.yaml": {Data: []byte(file)}, "lib/b.json": {Data: []byte("{}")}}}
		result, err := appset.Generate(t.Context(), &set, appset.World{Clusters: world.clusters, Repositories: world})
		if err != nil {
			if len(result.Applications)+len(result.Rejected)+len(result.Answers) > 0 {
				t.Errorf("an error and a result: %v", err)
			}
			return
		}
		if len(result.Explained) != len(result.Applications) {
			t.Errorf("%d applications, %d explained", len(result.Applications), len(result.Explained))
		}
		for i, app := range result.Applications {
			if app.Namespace != set.Namespace || app.Name == "" || i > 0 && app.Name <= result.Applications[i-1].Name {
				t.Errorf("application %d is %s/%s", i, app.Namespace, app.Name)
			}
		}
	})
}

func TestNothingIsAskedOfASetWithoutForm(t *testing.T) {
	t.Parallel()
	set := &v1alpha1.ApplicationSet{}
	set.Spec.Template.Name = "a"
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Clusters: &v1alpha1.ClusterGenerator{}}, {}}
	_, err := appset.Generate(t.Context(), set, appset.World{Clusters: asked{t}})
	if fault.Of(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

type asked struct{ t *testing.T }

func (a asked) Clusters(context.Context) ([]appset.Cluster, error) {
	a.t.Error("the clusters are listed")
	return nil, nil
}

// failing is a world that cannot be reached.
type failing struct{}

func (failing) Clusters(context.Context) ([]appset.Cluster, error) {
	return nil, errors.New("connection refused")
}

func (failing) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{}, errors.New("connection refused")
}

func TestAWorldThatFailsIsAnErrorThatMayPass(t *testing.T) {
	t.Parallel()
	for _, gen := range []v1alpha1.ApplicationSetGenerator{
		{Clusters: &v1alpha1.ClusterGenerator{}},
		{Git: &v1alpha1.GitGenerator{RepoURL: "https://x", Directories: []v1alpha1.GitDirectoryItem{{Path: "*"}}}},
	} {
		set := &v1alpha1.ApplicationSet{}
		set.Spec.Template.Name = "a"
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{gen}
		_, err := appset.Generate(t.Context(), set, appset.World{Clusters: failing{}, Repositories: failing{}})
		if err == nil || !fault.Retryable(err) || !strings.Contains(err.Error(), "generators[0].") {
			t.Errorf("got %v of kind %s", err, fault.Of(err))
		}
	}
}

// TestBoundsOfAMatrix: what multiplies without end is an error, at once.
func TestBoundsOfAMatrix(t *testing.T) {
	t.Parallel()
	items := "[" + strings.Repeat("{a: b},", 1000) + "]"
	set := &v1alpha1.ApplicationSet{}
	set.Spec.GoTemplate = true
	set.Spec.Template.Name = "a"
	list := v1alpha1.ApplicationSetNestedGenerator{List: &v1alpha1.ListGenerator{ElementsYaml: items}}
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Matrix: &v1alpha1.MatrixGenerator{
		Generators: []v1alpha1.ApplicationSetNestedGenerator{list, list, list, list},
	}}}
	_, err := appset.Generate(t.Context(), set, appset.World{})
	if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "parameter sets") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkGenerate(b *testing.B) {
	set := &v1alpha1.ApplicationSet{}
	set.Spec.GoTemplate = true
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Matrix: &v1alpha1.MatrixGenerator{
		Generators: []v1alpha1.ApplicationSetNestedGenerator{
			{List: &v1alpha1.ListGenerator{ElementsYaml: "[" + strings.Repeat("{a: b},", 100) + "]"}},
			{Clusters: &v1alpha1.ClusterGenerator{}},
		},
	}}}
	set.Spec.Template.Name = "{{.name}}-{{.nameNormalized}}"
	set.Spec.Template.Labels = map[string]string{"a": "{{.a}}", "b": "{{.server | sha256sum | trunc 8}}"}
	var known clusters
	for i := range 10 {
		known = append(known, appset.Cluster{Name: fmt.Sprintf("c%d", i), Server: fmt.Sprintf("https://c%d", i)})
	}
	for b.Loop() {
		if _, err := appset.Generate(b.Context(), set, appset.World{Clusters: known}); err != nil {
			b.Fatal(err)
		}
	}
}
