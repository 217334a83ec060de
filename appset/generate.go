package appset

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// params are the parameters of one application to be.
type params = map[string]any

// Generate expands a set. The applications are in the order of generators and
// of what these found; of two with one name the first is kept.
func Generate(ctx context.Context, set *v1alpha1.ApplicationSet, world World) (Result, error) {
	g := generation{set: set, world: world}
	var result Result
	var failures []error
	seen := map[string]int{}
	for i := range set.Spec.Generators {
		apps, err := g.run(ctx, &set.Spec.Generators[i])
		if err != nil {
			failures = append(failures, fmt.Errorf("generators[%d]: %w", i, err))
			continue
		}
		for _, app := range apps {
			if problems := validation.IsDNS1123Subdomain(app.Name); len(problems) > 0 {
				failures = append(failures, fault.New(fault.Invalid, "generators[%d]: the name %q: %s", i, app.Name, problems[0]))
				continue
			}
			if first, ok := seen[app.Name]; ok {
				result.Warnings = append(result.Warnings, fmt.Sprintf(
					"generators[%d] gives the name %s, which generators[%d] gave already; the first one is kept", i, app.Name, first))
				continue
			}
			seen[app.Name] = i
			result.Applications = append(result.Applications, app)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return Result{}, fmt.Errorf("expand ApplicationSet %s: %w", set.Name, err)
	}
	return result, nil
}

type generation struct {
	set   *v1alpha1.ApplicationSet
	world World
}

func (g *generation) run(ctx context.Context, gen *v1alpha1.ApplicationSetGenerator) ([]v1alpha1.Application, error) {
	sets, override, err := g.sets(ctx, gen)
	if err != nil {
		return nil, err
	}
	if sets, err = selected(sets, gen.Selector); err != nil {
		return nil, err
	}
	base, err := overridden(g.set.Spec.Template, override)
	if err != nil {
		return nil, err
	}
	var out []v1alpha1.Application
	var failures []error
	for i, p := range sets {
		app, err := g.application(base, p)
		if err != nil {
			failures = append(failures, fmt.Errorf("parameter set %d: %w", i, err))
			continue
		}
		out = append(out, app)
	}
	return out, errors.Join(failures...)
}

// sets asks the one generator that an entry holds.
func (g *generation) sets(ctx context.Context, gen *v1alpha1.ApplicationSetGenerator) ([]params, v1alpha1.ApplicationSetTemplate, error) {
	var none v1alpha1.ApplicationSetTemplate
	given := 0
	for _, set := range []bool{gen.List != nil, gen.Clusters != nil, gen.Git != nil, gen.Matrix != nil, gen.Merge != nil, gen.SCMProvider != nil,
		gen.PullRequest != nil, gen.ClusterDecisionResource != nil, gen.Plugin != nil} {
		if set {
			given++
		}
	}
	if given != 1 {
		return nil, none, fault.New(fault.Invalid, "it holds %d generators, and must hold exactly one", given)
	}
	switch {
	case gen.List != nil:
		sets, err := g.list(gen.List)
		return sets, gen.List.Template, err
	case gen.Clusters != nil:
		sets, err := g.clusters(ctx, gen.Clusters)
		return sets, gen.Clusters.Template, err
	case gen.Git != nil && len(gen.Git.Files) > 0:
		return nil, none, fault.New(fault.Invalid, "git files are not supported yet")
	case gen.Git != nil:
		sets, err := g.directories(ctx, gen.Git)
		return sets, gen.Git.Template, err
	}
	for _, other := range []struct {
		set  bool
		name string
	}{{gen.Matrix != nil, "matrix"}, {gen.Merge != nil, "merge"}, {gen.SCMProvider != nil, "scmProvider"}, {gen.PullRequest != nil, "pullRequest"},
		{gen.ClusterDecisionResource != nil, "clusterDecisionResource"}, {gen.Plugin != nil, "plugin"}} {
		if other.set {
			return nil, none, fault.New(fault.Invalid, "the generator %s is not supported yet", other.name)
		}
	}
	return nil, none, nil
}

// selected keeps the parameter sets that a selector matches. Parameters count
// as labels under their dotted names; their values may be any text.
func selected(sets []params, by *metav1.LabelSelector) ([]params, error) {
	if by == nil {
		return sets, nil
	}
	selector, err := looseSelector(by)
	if err != nil {
		return nil, err
	}
	var out []params
	for _, p := range sets {
		if selector.matches(labels.Set(flat(p))) {
			out = append(out, p)
		}
	}
	return out, nil
}
