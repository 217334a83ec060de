package appset

import (
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

func (g *generation) clusterDecisionResource(context.Context, *v1alpha1.DuckTypeGenerator) ([]params, error) {
	return nil, fault.New(fault.Invalid, "this generator is not supported yet")
}

func (g *generation) plugin(context.Context, *v1alpha1.PluginGenerator) ([]params, error) {
	return nil, fault.New(fault.Invalid, "this generator is not supported yet")
}
