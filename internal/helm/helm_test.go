package helm_test

import (
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/render/rendertest"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	return rendertest.Run(t, a, map[render.Type]render.Engine{render.Helm: helm.New()})
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", run)
}

func BenchmarkChart(b *testing.B) {
	files := fstest.MapFS{
		"Chart.yaml":       {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		"values.yaml":      {Data: []byte("replicas: 1\n")},
		"templates/a.yaml": {Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec: {replicas: {{ .Values.replicas }}}\n")},
	}
	req := render.Request{Tree: snapshot.Tree{FS: files}, App: "shop"}
	engine := helm.New()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
