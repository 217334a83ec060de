package main

import (
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/jsonnet"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/secret"
)

// engines are all that render more than plain directories. charts turns
// helmCharts in kustomizations on.
func engines(charts bool) map[render.Type]render.Engine {
	return enginesWithin(charts, helm.DefaultBounds(), jsonnet.DefaultLimits())
}

func enginesWithin(charts bool, b helm.Bounds, l jsonnet.Limits) map[render.Type]render.Engine {
	chart := helm.NewWithin(b)
	options := kustomize.Options{}
	if charts {
		options.Charts = chart
	}
	return map[render.Type]render.Engine{
		render.Directory: render.NewDirectory(jsonnet.New("", l)),
		render.Kustomize: kustomize.New(options), render.Helm: chart,
	}
}

// untrustedRenderer is for changes of people who may not push: it has no keys
// and tight bounds.
func untrustedRenderer(charts bool) *render.Renderer {
	engines := enginesWithin(charts, helm.UntrustedBounds(), jsonnet.UntrustedLimits())
	return render.New(engines, render.UntrustedLimits()).Decrypting(secret.Closed{})
}

// closedRenderer is for changes that nobody merged yet: it has no keys.
func closedRenderer(charts bool) *render.Renderer {
	return render.New(engines(charts), render.DefaultLimits()).Decrypting(secret.Closed{})
}
