package helm_test

import (
	"context"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
)

// FuzzTemplate: a template renders or is refused, within its time.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		`{{ range until 3 }}{{ . }}{{ end }}`, `{{ include "a" . }}`, `{{ tpl .Values.a . }}`, `{{ $x := dict "a" 1 }}{{ set $x "b" $x }}`,
		`{{ define "a" }}x{{ end }}{{ template "a" }}`, `{{ block "b" . }}{{ end }}`, `{{ (index .Values "a").b }}`, `{{ with $y := 1 }}{{ break }}{{ end }}`,
		`{{ repeat 99999999 "x" }}`, `{{ printf "%*d" 9999999 1 }}`, `{{ seq 1 2 3 4 }}`, `{{ join 1 2 }}`, `{{ . }}`, `{{ $ | toYaml }}`,
	} {
		f.Add(text, "a: '{{ .Release.Name }}'")
	}
	engine := helm.New()
	f.Fuzz(func(t *testing.T, template, values string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, _ = engine.Render(ctx, render.Request{App: "shop", Tree: tree(map[string]string{
			"Chart.yaml": metadata, "values.yaml": values, "templates/a.yaml": template,
		})}) // any error will do
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
