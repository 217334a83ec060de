package kube

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/render"
)

// kinds remembers discovery, which costs many requests.
type kinds struct {
	mu     sync.Mutex
	at     time.Time
	served render.Capabilities
}

func (k *kinds) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = time.Time{}
}

// discoveryAge is how long discovery is believed: definitions come and go.
const discoveryAge = 10 * time.Minute

// Capabilities implements reconcile.Kinds.
func (c *Cluster) Capabilities(context.Context) (render.Capabilities, error) {
	c.kinds.mu.Lock()
	defer c.kinds.mu.Unlock()
	if time.Since(c.kinds.at) < discoveryAge {
		return c.kinds.served, nil
	}
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return render.Capabilities{}, err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return render.Capabilities{}, classify(err)
	}
	// A broken aggregated API is left out: the rest is still true.
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil && len(lists) == 0 {
		return render.Capabilities{}, classify(err)
	}
	var apis []string
	for _, list := range lists {
		apis = append(apis, list.GroupVersion)
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				apis = append(apis, list.GroupVersion+"/"+r.Kind)
			}
		}
	}
	c.kinds.served, c.kinds.at = render.NewCapabilities(strings.TrimPrefix(version.GitVersion, "v"), apis), time.Now()
	return c.kinds.served, nil
}

// Namespaced implements reconcile.Kinds.
func (c *Cluster) Namespaced(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return false, classify(err)
	}
	return mapping.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

// Schemas knows built-in kinds, and custom ones from the definitions that
// the cluster holds.
type Schemas struct {
	builtin *driftschema.Set
	cluster *Cluster
	mu      sync.Mutex
	custom  map[schema.GroupKind]*driftschema.Set
	asked   map[schema.GroupKind]time.Time
}

var _ drift.Schemas = (*Schemas)(nil)

// NewSchemas is one cluster's.
func NewSchemas(builtin *driftschema.Set, c *Cluster) *Schemas {
	return &Schemas{builtin: builtin, cluster: c, custom: map[schema.GroupKind]*driftschema.Set{}, asked: map[schema.GroupKind]time.Time{}}
}

// Kind implements drift.Schemas.
func (s *Schemas) Kind(gvk schema.GroupVersionKind) *driftschema.Type {
	if t := s.builtin.Kind(gvk); t != nil || s.builtin.Native(gvk.GroupKind()) {
		return t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked[gvk.GroupKind()]) > discoveryAge {
		s.asked[gvk.GroupKind()] = time.Now()
		if set := s.definition(gvk); set != nil {
			s.custom[gvk.GroupKind()] = set
		}
	}
	if set := s.custom[gvk.GroupKind()]; set != nil {
		return set.Kind(gvk)
	}
	return nil
}

// Native implements drift.Schemas.
func (s *Schemas) Native(gk schema.GroupKind) bool { return s.builtin.Native(gk) }

// definition reads the definition of a kind; without one the structure is
// guessed.
func (s *Schemas) definition(gvk schema.GroupVersionKind) *driftschema.Set {
	mapping, err := s.cluster.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	crd, err := s.cluster.objects.Resource(crds).Get(ctx, mapping.Resource.Resource+"."+gvk.Group, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	set, err := driftschema.FromCRD(crd)
	if err != nil {
		return nil
	}
	return set
}
