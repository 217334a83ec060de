package main

import (
	"context"
	"encoding/json"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/jsonnet"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
)

// engines are all that render more than plain directories. charts turns
// helmCharts in kustomizations on.
func engines(charts bool) map[render.Type]render.Engine {
	chart := helm.New()
	options := kustomize.Options{}
	if charts {
		options.Charts = inflater{chart}
	}
	return map[render.Type]render.Engine{
		render.Directory: render.NewDirectory(jsonnet.New("", jsonnet.DefaultLimits())),
		render.Kustomize: kustomize.New(options), render.Helm: chart,
	}
}

// inflater renders the charts that kustomizations name.
type inflater struct{ engine render.Engine }

var _ kustomize.Charts = inflater{}

// Inflate implements kustomize.Charts.
func (i inflater) Inflate(ctx context.Context, c kustomize.Chart) ([]render.Manifest, error) {
	if c.NameTemplate != "" {
		return nil, fault.New(fault.Invalid, "helmCharts: nameTemplate is not supported; give a releaseName")
	}
	values, err := json.Marshal(c.Values)
	if err != nil {
		return nil, err
	}
	all, err := i.engine.Render(ctx, render.Request{
		Tree: c.Tree, App: c.Release, Namespace: c.Namespace, Capabilities: c.Capabilities, More: c.More,
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
