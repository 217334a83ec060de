package main

import (
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
		options.Charts = chart
	}
	return map[render.Type]render.Engine{
		render.Directory: render.NewDirectory(jsonnet.New("", jsonnet.DefaultLimits())),
		render.Kustomize: kustomize.New(options), render.Helm: chart,
	}
}
