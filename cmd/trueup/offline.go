package main

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile"
)

// offline stands for every cluster where none can be asked.
type offline struct {
	capabilities render.Capabilities
	// guessed are the kinds whose scope is not known.
	guessed map[string]bool
}

var (
	_ reconcile.Clusters = (*offline)(nil)
	_ reconcile.Kinds    = (*offline)(nil)
)

// Cluster implements reconcile.Clusters.
func (o *offline) Cluster(context.Context, v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: "none", Kinds: o}, nil
}

// Namespaced implements reconcile.Kinds from what Kubernetes has built in.
func (o *offline) Namespaced(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	namespaced, known := openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: apiVersion, Kind: kind})
	if !known {
		o.guessed[apiVersion+" "+kind] = true
		return true, nil
	}
	return namespaced, nil
}

// Capabilities implements reconcile.Kinds.
func (o *offline) Capabilities(context.Context) (render.Capabilities, error) {
	return o.capabilities, nil
}

// anywhere is offline for several goroutines, and calls clusters as
// destinations do.
type anywhere struct {
	mu sync.Mutex
	*offline
}

// Cluster implements reconcile.Clusters.
func (a *anywhere) Cluster(_ context.Context, d v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: d.Name, Server: d.Server, Kinds: a}, nil
}

// Namespaced implements reconcile.Kinds.
func (a *anywhere) Namespaced(ctx context.Context, gvk schema.GroupVersionKind) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.offline.Namespaced(ctx, gvk)
}
