package helm

import (
	"context"
	"encoding/json"
	"fmt"
	"text/template"

	"helm.sh/helm/v3/pkg/chartutil"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Inflate renders a chart that is a part of another source. Origins are those
// in the chart's tree.
func (e *Engine) Inflate(ctx context.Context, c render.Chart) ([]render.Manifest, error) {
	release := c.Release
	if c.NameTemplate != "" {
		var err error
		if release, err = e.name(ctx, c.NameTemplate); err != nil {
			return nil, fmt.Errorf("nameTemplate: %w", err)
		}
	}
	if err := chartutil.ValidateReleaseName(release); err != nil {
		return nil, fault.New(fault.Invalid, "the release's name %q: %w", short(release), err)
	}
	values, err := json.Marshal(c.Values)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	all, err := e.Render(ctx, render.Request{
		Tree: c.Tree, App: release, Namespace: c.Namespace, Capabilities: c.Capabilities, More: c.More, Live: c.Live, Warn: c.Warn,
		Source: v1alpha1.ApplicationSource{Path: c.Path, Helm: &v1alpha1.ApplicationSourceHelm{
			ValuesObject: &apiextensionsv1.JSON{Raw: values}, SkipCrds: !c.IncludeCRDs, SkipTests: c.SkipTests,
			KubeVersion: c.KubeVersion, APIVersions: c.APIVersions,
		}},
	})
	if err != nil || !c.SkipHooks {
		return all, err
	}
	var out []render.Manifest
	for _, m := range all {
		if m.Object.GetAnnotations()["helm.sh/hook"] == "" {
			out = append(out, m)
		}
	}
	return out, nil
}

// name runs a template that makes a release's name. As with "helm template
// --name-template", it sees functions and nothing else.
func (e *Engine) name(ctx context.Context, text string) (string, error) {
	b, _ := e.benches.Get().(*bench)
	defer func() {
		b.run = nil
		e.benches.Put(b)
	}()
	r := &run{ctx: ctx, max: e.bounds}
	b.run = r
	set := template.New("nameTemplate").Option("missingkey=zero").Funcs(b.funcs)
	set.Funcs(r.special(set, e.library))
	name, err := r.tpl(set, e.library)(text, nil)
	if r.ended != nil {
		return "", r.ended
	}
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err)
	}
	return name, nil
}
