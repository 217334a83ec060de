package appset

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// clusters gives one parameter set per cluster that the selector matches, in
// the order of their names. The local cluster has no labels, so that only the
// empty selector finds it.
func (g *generation) clusters(ctx context.Context, gen *v1alpha1.ClusterGenerator) ([]params, error) {
	selector, err := metav1.LabelSelectorAsSelector(&gen.Selector)
	if err != nil {
		return nil, place.At("selector", fault.Wrap(fault.Invalid, err))
	}
	registered, err := g.registered(ctx)
	if err != nil {
		return nil, err
	}
	out := []params{}
	var all place.Problems
	for _, c := range withLocal(registered, selector.Empty()) {
		if !selector.Matches(asRegistered(c)) {
			continue
		}
		p := g.clusterParams(c)
		all.About("cluster "+c.Name, g.addValues(p, gen.Values))
		out = append(out, p)
	}
	if gen.FlatList {
		return []params{{"clusters": out}}, all.Err()
	}
	return out, all.Err()
}

// registered lists the clusters, once for all generators.
func (g *generation) registered(ctx context.Context) ([]Cluster, error) {
	if g.world.Clusters == nil {
		return nil, fault.New(fault.Invalid, "no clusters are given")
	}
	if !g.listed {
		all, err := g.world.Clusters.Clusters(ctx)
		if err != nil {
			return nil, place.Subject("list the registered clusters", err)
		}
		g.known, g.listed = all, true
	}
	return g.known, nil
}

// secretType is the label that makes a Secret a cluster's. Selecting by it is
// how sets leave out the local cluster.
const secretType = "argocd.argoproj.io/secret-type"

// asRegistered are the labels of a cluster's Secret.
func asRegistered(c Cluster) labels.Labels {
	if _, ok := c.Labels[secretType]; ok || c.local {
		return labels.Set(c.Labels)
	}
	return labels.Merge(labels.Set(c.Labels), labels.Set{secretType: "cluster"})
}

func withLocal(all []Cluster, wanted bool) []Cluster {
	all = slices.Clone(all)
	claimed := slices.ContainsFunc(all, func(c Cluster) bool { return c.Server == LocalServer })
	if wanted && !claimed {
		all = append(all, Cluster{Name: LocalName, Server: LocalServer, local: true})
	}
	slices.SortStableFunc(all, func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// private are annotations of a cluster's Secret that are nobody's parameters:
// they hold the Secret itself, or would make an application of each change.
func private(annotation string) bool {
	switch annotation {
	case "kubectl.kubernetes.io/last-applied-configuration",
		"argocd.argoproj.io/refresh", "argocd.argoproj.io/refresh-timestamp",
		"argocd.argoproj.io/hydrate", "argocd.argoproj.io/hydrate-timestamp",
		"argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id",
		"trueup.dev/refresh", "trueup.dev/tracking-id":
		return true
	}
	return false
}

func (g *generation) clusterParams(c Cluster) params {
	p := params{"name": c.Name, "nameNormalized": text.Normalize(c.Name), "server": c.Server, "project": c.Project}
	annotations := map[string]string{}
	for key, value := range c.Annotations {
		if !private(key) {
			annotations[key] = value
		}
	}
	switch {
	case g.text.Go() && !c.local:
		metadata := params{}
		if len(c.Labels) > 0 {
			metadata["labels"] = c.Labels
		}
		if len(c.Annotations) > 0 {
			metadata["annotations"] = annotations
		}
		p["metadata"] = metadata
	case !g.text.Go():
		for key, value := range c.Labels {
			p["metadata.labels."+key] = value
		}
		for key, value := range annotations {
			p["metadata.annotations."+key] = value
		}
	}
	return p
}
