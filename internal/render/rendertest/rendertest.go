// Package rendertest runs an engine over repositories written down as txtar
// archives.
//
// It does not know which engine it runs.
package rendertest

import (
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Run renders an archive: the files of a repository, "source" with the
// application's source, and "want", which is left out. It returns the objects
// as YAML documents, or the error.
func Run(t *testing.T, a *txtar.Archive, engines map[render.Type]render.Engine) string {
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
	r := render.New(engines, render.DefaultLimits())
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
