package appset_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

type clusters []appset.Cluster

func (c clusters) Clusters(context.Context) ([]appset.Cluster, error) { return c, nil }

type repository fstest.MapFS

func (r repository) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{FS: fstest.MapFS(r)}, nil
}

// expand runs a case: "set", "clusters", and the files of the repository.
func expand(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	var set v1alpha1.ApplicationSet
	var known clusters
	files := repository{}
	for _, f := range a.Files {
		var err error
		switch f.Name {
		case "set":
			err = yaml.UnmarshalStrict(f.Data, &set)
		case "clusters":
			err = yaml.UnmarshalStrict(f.Data, &known)
		case "want":
		default:
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	result, err := appset.Generate(t.Context(), &set, appset.World{Clusters: known, Repositories: files})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var docs []string
	for _, app := range result.Applications {
		// The kind and the status are the same for all.
		data, err := yaml.Marshal(map[string]any{"metadata": app.ObjectMeta, "spec": app.Spec})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(data))
	}
	for _, w := range result.Warnings {
		docs = append(docs, "# warning: "+w+"\n")
	}
	return strings.Join(docs, "---\n")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", expand)
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"{{ .a }}", "{{ a }}", "{{ range until 5 }}x{{ end }}", "{{ repeat 9 .a }}", "{{ slugify 3 true .a }}", "{{{a}}} {{"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, goTemplate bool) {
		if strings.Count(text, "range") > 1 {
			t.Skip("loops in loops take their time")
		}
		set := &v1alpha1.ApplicationSet{}
		set.Spec.GoTemplate = goTemplate
		set.Spec.Template.Name = "a"
		set.Spec.Template.Spec.Project = text
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{List: &v1alpha1.ListGenerator{ElementsYaml: "[{a: b}]"}}}
		result, err := appset.Generate(t.Context(), set, appset.World{})
		if err == nil && len(result.Applications) != 1 {
			t.Errorf("%q gives %d applications", text, len(result.Applications))
		}
	})
}
