package kustomize_test

import (
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/render/rendertest"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	return rendertest.Run(t, a, map[render.Type]render.Engine{render.Kustomize: kustomize.New(kustomize.Options{})})
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", run)
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	a, err := txtar.ParseFile("testdata/overlay.txtar")
	if err != nil {
		t.Fatal(err)
	}
	want := run(t, a)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := run(t, a); got != want {
				t.Errorf("got %s", got)
			}
		})
	}
	all.Wait()
}

func BenchmarkOverlay(b *testing.B) {
	files := fstest.MapFS{
		"base/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")},
		"base/a.yaml":             {Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, template: {spec: {containers: [{name: web, image: web}]}}}\n")},
		"o/kustomization.yaml":    {Data: []byte("resources: [../base]\nnamePrefix: x-\nreplicas: [{name: web, count: 3}]\n")},
	}
	engine := kustomize.New(kustomize.Options{})
	req := render.Request{Tree: snapshot.Tree{FS: files}, Source: v1alpha1.ApplicationSource{Path: "o"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
