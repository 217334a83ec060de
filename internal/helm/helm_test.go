package helm_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata")

// run renders an archive: the files of a repository, and "source" with the
// application's source. The last file, "want", is what comes of it.
func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	files := fstest.MapFS{}
	var source v1alpha1.ApplicationSource
	for _, f := range a.Files {
		switch f.Name {
		case "source":
			if err := yaml.UnmarshalStrict(f.Data, &source); err != nil {
				t.Fatal(err)
			}
		case "want":
		default:
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	r := render.New(map[render.Type]render.Engine{render.Helm: helm.Engine{}}, render.DefaultLimits())
	result, err := r.Render(t.Context(), render.Request{Tree: snapshot.Tree{FS: files}, App: "shop", Namespace: "shop", Source: source})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var docs []string
	for _, u := range result.Objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(data))
	}
	return strings.Join(docs, "---\n")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := &a.Files[len(a.Files)-1]
			got := run(t, a)
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkChart(b *testing.B) {
	files := fstest.MapFS{
		"Chart.yaml":       {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		"values.yaml":      {Data: []byte("replicas: 1\n")},
		"templates/a.yaml": {Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec: {replicas: {{ .Values.replicas }}}\n")},
	}
	req := render.Request{Tree: snapshot.Tree{FS: files}, App: "shop"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (helm.Engine{}).Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
