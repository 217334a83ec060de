package kustomize_test

import (
	"bytes"
	"path"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
)

// TestEveryObjectHasAnOrigin looks into every archive: whatever a build gives
// is declared at a line of a file that is there.
func TestEveryObjectHasAnOrigin(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	objects := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		req, engine := archive(t, a)
		r := render.New(map[render.Type]render.Engine{render.Kustomize: engine}, render.DefaultLimits())
		result, err := r.Render(t.Context(), req)
		if err != nil {
			continue // the archive is about that
		}
		for _, u := range result.Objects {
			objects++
			if _, ok := u.GetAnnotations()["trueup.dev/place"]; ok {
				t.Errorf("%s: %s shows a mark", name, object.KeyOf(u))
			}
			origin := result.Origins[object.KeyOf(u)]
			tree := req.Tree
			if origin.Tree != nil {
				if tree, err = req.More.Tree(t.Context(), *origin.Tree); err != nil {
					t.Errorf("%s: %s: %v", name, object.KeyOf(u), err)
					continue
				}
			}
			data, err := tree.FS.ReadFile(path.Clean(origin.Path))
			if err != nil || origin.Line < 1 || origin.Line > 1+bytes.Count(data, []byte("\n")) {
				t.Errorf("%s: %s comes from %q: %v", name, object.KeyOf(u), origin, err)
			}
		}
	}
	if objects < 70 {
		t.Errorf("the archives hold %d objects, which proves little", objects)
	}
}
