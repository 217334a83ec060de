package appset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// clusters gives one parameter set per cluster that the selector matches, in
// the order of their names. The local cluster has no labels, so that only the
// empty selector finds it.
func (g *generation) clusters(ctx context.Context, gen *v1alpha1.ClusterGenerator) ([]params, error) {
	if g.world.Clusters == nil {
		return nil, fault.New(fault.Invalid, "clusters: no clusters are given")
	}
	all, err := g.world.Clusters.Clusters(ctx)
	if err != nil {
		return nil, fmt.Errorf("clusters: list the registered clusters: %w", err)
	}
	selector, err := metav1.LabelSelectorAsSelector(&gen.Selector)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("clusters.selector: %w", err))
	}
	all = withLocal(all, selector.Empty())
	var out []params
	for _, c := range all {
		if !selector.Matches(labels.Set(c.Labels)) {
			continue
		}
		p := g.clusterParams(c)
		if err := g.addValues(p, gen.Values); err != nil {
			return nil, fmt.Errorf("clusters: cluster %s: %w", c.Name, err)
		}
		out = append(out, p)
	}
	if !gen.FlatList {
		return out, nil
	}
	list := make([]any, len(out))
	for i, p := range out {
		list[i] = p
	}
	return []params{{"clusters": list}}, nil
}

func withLocal(all []Cluster, wanted bool) []Cluster {
	all = slices.Clone(all)
	claimed := slices.ContainsFunc(all, func(c Cluster) bool { return c.Server == LocalServer })
	if wanted && !claimed {
		all = append(all, Cluster{Name: LocalName, Server: LocalServer})
	}
	slices.SortFunc(all, func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (g *generation) clusterParams(c Cluster) params {
	p := params{"name": c.Name, "nameNormalized": text.Normalize(c.Name), "server": c.Server, "project": c.Project}
	if g.text.Go() {
		metadata := map[string]any{}
		if len(c.Labels) > 0 {
			metadata["labels"] = anyMap(c.Labels)
		}
		if len(c.Annotations) > 0 {
			metadata["annotations"] = anyMap(c.Annotations)
		}
		if len(metadata) > 0 {
			p["metadata"] = metadata
		}
		return p
	}
	for key, value := range c.Labels {
		p["metadata.labels."+key] = value
	}
	for key, value := range c.Annotations {
		p["metadata.annotations."+key] = value
	}
	return p
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for key, value := range m {
		out[key] = value
	}
	return out
}

// addValues renders a generator's values over the parameters so far. One
// value cannot use another.
func (g *generation) addValues(p params, values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	rendered := map[string]any{}
	for key, template := range values {
		value, err := g.text.Render(template, p)
		if err != nil {
			return fmt.Errorf("values.%s: %w", key, err)
		}
		rendered[key] = value
	}
	if g.text.Go() {
		p["values"] = rendered
		return nil
	}
	for key, value := range rendered {
		p["values."+key] = value
	}
	return nil
}
