package appset

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// clusterDecisionResource gives one parameter set per cluster that decision
// objects name: the cluster's name and server, and every key of the item as a
// text. Clusters that nobody registered are left out, with a warning.
func (g *generation) clusterDecisionResource(ctx context.Context, gen *v1alpha1.DuckTypeGenerator) ([]params, error) {
	if g.world.Decisions == nil {
		return nil, fault.New(fault.Invalid, "no decision resources are given")
	}
	if err := checkDecision(gen); err != nil {
		return nil, err
	}
	registered, err := g.registered(ctx)
	if err != nil {
		return nil, err
	}
	decision, err := g.world.Decisions.Decide(ctx, g.set.Namespace, gen)
	if err != nil {
		return nil, err
	}
	place := g.running.Path
	if decision.MatchKey == "" {
		g.warn(place, "the ConfigMap %s has no matchKey, so that nothing names a cluster", gen.ConfigMapRef)
		return nil, nil
	}
	known := map[string]Cluster{}
	for _, c := range withLocal(registered, true) {
		known[c.Name] = c
	}
	// A list that is there and empty is a decision; one that is not there yet
	// is none.
	for _, object := range decision.Undecided {
		g.warn(place, "%s has not decided yet: its status has no list", object)
		g.lack("the decision of %s", object)
	}
	var out []params
	for i, item := range decision.Items {
		name, ok := item[decision.MatchKey].(string)
		if !ok || name == "" {
			g.warn(place, "decision %d has no text under %s and is left out", i, decision.MatchKey)
			g.lack("a decision without a text under %s", decision.MatchKey)
			continue
		}
		cluster, ok := known[name]
		if !ok {
			// Its registration may only be gone for a while.
			g.lack("the cluster %s, which is not registered", name)
			g.warn(place, "the cluster %q is not registered and is left out", name)
			continue
		}
		out = append(out, g.decided(cluster, item, gen.Values))
	}
	g.verified = len(g.lacks) == 0
	return out, nil
}

func checkDecision(gen *v1alpha1.DuckTypeGenerator) error {
	selects := len(gen.LabelSelector.MatchLabels)+len(gen.LabelSelector.MatchExpressions) > 0
	var all place.Problems
	if gen.ConfigMapRef == "" {
		all.Add("configMapRef", fault.New(fault.Invalid, "it is empty"))
	}
	switch {
	case gen.Name != "" && selects:
		all.Add("", fault.New(fault.Invalid, "it has both name and labelSelector, and must have exactly one"))
	case gen.Name == "" && !selects:
		all.Add("", fault.New(fault.Invalid, "it has neither name nor labelSelector, and must have exactly one"))
	}
	return all.Err()
}

// decided is the parameter set of one decision. The item's keys win over the
// cluster's own; values stay as they are written.
func (g *generation) decided(c Cluster, item map[string]any, values map[string]string) params {
	p := params{"name": c.Name, "server": c.Server}
	for _, key := range slices.Sorted(maps.Keys(item)) {
		p[key] = fmt.Sprint(item[key])
	}
	if len(values) == 0 {
		return p
	}
	if g.text.Go() {
		p["values"] = maps.Clone(values)
		return p
	}
	for key, value := range values {
		p["values."+key] = value
	}
	return p
}
