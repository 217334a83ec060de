package kustomize_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
)

// live answers every query with one object, or with an error.
type live struct {
	name string
	err  error
}

func (l live) Lookup(context.Context, render.Query) (map[string]any, error) {
	return map[string]any{"metadata": map[string]any{"name": l.name}}, l.err
}

// TestChartsLookUp has a chart of a kustomization look at the destination: as
// charts of their own do, where the application may.
func TestChartsLookUp(t *testing.T) {
	t.Parallel()
	files := tree(map[string]string{
		"app/kustomization.yaml":         "helmCharts: [{name: web, releaseName: a, nameTemplate: ''}]\n",
		"app/charts/web/Chart.yaml":      "{apiVersion: v2, name: web, version: 1.0.0}\n",
		"app/charts/web/templates/c.yml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {found: '{{ (lookup \"v1\" \"Node\" \"\" \"one\") | toJson }}'}\n",
	})
	r := render.New(map[render.Type]render.Engine{render.Kustomize: kustomize.New(kustomize.Options{Charts: helm.New()})}, render.DefaultLimits())
	for _, tc := range []struct {
		reason, want string
		live         render.Live
		kind         fault.Kind
	}{
		{reason: "nothing is found where the application may not look", want: "{}"},
		{reason: "what is there is found", live: live{name: "one"}, want: "one"},
		{reason: "what is not permitted ends the rendering", live: live{err: fault.New(fault.Denied, "project web does not permit it")}, want: "project web", kind: fault.Denied},
	} {
		req := request(files)
		req.Live = tc.live
		result, err := r.Render(t.Context(), req)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(result.Objects[0].Object["data"])
		}
		if fault.Of(err) != tc.kind || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %s, %v", tc.reason, got, err)
		}
		if looked := tc.live != nil; len(result.Reads.Live) == 1 != looked || result.Sensitive != looked {
			t.Errorf("%s: the reads are %v, sensitive is %v", tc.reason, result.Reads.Live, result.Sensitive)
		}
		if tc.live == nil || err != nil {
			continue
		}
		if cause := result.Reads.Changed(t.Context(), req); cause.Why != "" {
			t.Errorf("%s: asked again it changed: %v", tc.reason, cause)
		}
		req.Live = live{name: "two"}
		if cause := result.Reads.Changed(t.Context(), req); cause.Why != render.Lookup {
			t.Errorf("%s: another answer is no change: %v", tc.reason, cause)
		}
	}
}
