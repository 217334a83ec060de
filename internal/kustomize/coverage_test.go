package kustomize_test

import (
	"path"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestEveryFieldHasACase keeps a field of the application, of a patch in it,
// or of a chart from being there without an archive that uses it.
func TestEveryFieldHasACase(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	see := func(v reflect.Value) {
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				used[v.Type().Name()+"."+v.Type().Field(i).Name] = true
			}
		}
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		req, _ := archive(t, a)
		if o := req.Source.Kustomize; o != nil {
			see(reflect.ValueOf(*o))
			for _, p := range o.Patches {
				see(reflect.ValueOf(p))
				if p.Target != nil {
					see(reflect.ValueOf(*p.Target))
				}
			}
		}
		for _, f := range a.Files {
			var k types.Kustomization
			if path.Base(f.Name) != "kustomization.yaml" || k.Unmarshal(f.Data) != nil {
				continue
			}
			k.FixKustomization()
			for _, c := range k.HelmCharts {
				see(reflect.ValueOf(c))
			}
		}
	}
	for _, v := range []any{v1alpha1.ApplicationSourceKustomize{}, v1alpha1.KustomizePatch{}, v1alpha1.KustomizeSelector{}, types.HelmChart{}} {
		for i := range reflect.TypeOf(v).NumField() {
			if name := reflect.TypeOf(v).Name() + "." + reflect.TypeOf(v).Field(i).Name; !used[name] {
				t.Errorf("no archive uses %s", name)
			}
		}
	}
}
