package helm_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/api/v1alpha1"
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

// BenchmarkFleet renders 200 applications of one chart, each with its own
// values.
func BenchmarkFleet(b *testing.B) {
	files := fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}, "values.yaml": {Data: []byte("replicas: 1\nlabels: {a: b}\n")}}
	files["templates/_helpers.tpl"] = &fstest.MapFile{Data: []byte(`{{ define "labels" }}app: {{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}`)}
	for i := range 20 {
		files[fmt.Sprintf("templates/%02d.yaml", i)] = &fstest.MapFile{Data: []byte(`{{- if .Values.replicas }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-` + fmt.Sprint(i) + `
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    metadata:
      labels: {{- toYaml .Values.labels | nindent 8 }}
    spec:
      containers:
      - name: web
        image: {{ printf "%s:%v" "web" (default "latest" .Values.tag) | quote }}
        env:
        {{- range $key, $value := .Values.env }}
        - {name: {{ $key }}, value: {{ tpl (toString $value) $ | quote }}}
        {{- end }}
{{- end }}
`)}
	}
	fleet := func(b *testing.B, engine func() *helm.Engine) {
		b.ReportAllocs()
		for b.Loop() {
			for app := range 200 {
				source := v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{Values: fmt.Sprintf("tag: v%d\nenv: {A: one, B: '{{ .Release.Name }}'}\n", app)}}
				req := render.Request{Tree: snapshot.Tree{FS: files}, App: fmt.Sprint("app-", app), Source: source}
				if _, err := engine().Render(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("one engine", func(b *testing.B) {
		engine := helm.New()
		fleet(b, func() *helm.Engine { return engine })
	})
	b.Run("parsed anew", func(b *testing.B) { fleet(b, helm.New) })
}

func sum(t *testing.T, text string) string {
	t.Helper()
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}
