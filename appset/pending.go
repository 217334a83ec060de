package appset

import (
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

func (g *generation) scmProvider(context.Context, *v1alpha1.SCMProviderGenerator) ([]params, error) {
	return nil, fault.New(fault.Invalid, "this generator is not supported yet")
}

func (g *generation) pullRequest(context.Context, *v1alpha1.PullRequestGenerator) ([]params, error) {
	return nil, fault.New(fault.Invalid, "this generator is not supported yet")
}
