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
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// kinds remembers discovery, which costs many requests.
type kinds struct {
	mu     sync.Mutex
	at     time.Time
	served render.Capabilities
	forgot []func()
}

// forget has kinds asked for again: a definition came, changed or went.
func (k *kinds) forget() {
	k.mu.Lock()
	k.at = time.Time{}
	all := k.forgot
	k.mu.Unlock()
	for _, f := range all {
		f()
	}
}

func (k *kinds) onForget(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgot = append(k.forgot, f)
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

// Schemas knows kinds from what the cluster says of them: custom ones from
// their definitions, all others from its OpenAPI documents. What it does not
// say, or not in time, is known as it is built in.
type Schemas struct {
	builtin *driftschema.Set
	cluster *Cluster
	api     *openAPI
	custom  asked[schema.GroupVersionKind, *driftschema.Set]

	mu     sync.Mutex
	native map[schema.GroupKind]bool // beyond the built-in ones
}

var _ drift.Schemas = (*Schemas)(nil)

// NewSchemas is one cluster's. What documents say is shared with the clusters
// that have the same Documents.
func NewSchemas(builtin *driftschema.Set, c *Cluster, shared *Documents) *Schemas {
	s := &Schemas{builtin: builtin, cluster: c, api: newOpenAPI(c, shared), native: map[schema.GroupKind]bool{}}
	s.custom = asked[schema.GroupVersionKind, *driftschema.Set]{ask: s.definition, start: c.tracker.start, now: time.Now}
	c.kinds.onForget(func() {
		s.api.expire()
		s.custom.expire()
	})
	return s
}

// Kind implements drift.Schemas. A definition is closer to a custom kind than
// what is published of it.
func (s *Schemas) Kind(gvk schema.GroupVersionKind) *driftschema.Type {
	if !s.builtin.Native(gvk.GroupKind()) {
		set, _ := s.custom.get(gvk, discoveryAge)
		if t := set.Kind(gvk); t != nil {
			return t
		}
	}
	published := s.api.kinds(gvk)
	if published.Native(gvk.GroupKind()) {
		s.mu.Lock()
		s.native[gvk.GroupKind()] = true
		s.mu.Unlock()
	}
	if t := published.Kind(gvk); t != nil {
		return t
	}
	return s.builtin.Kind(gvk)
}

// Native implements drift.Schemas.
func (s *Schemas) Native(gk schema.GroupKind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.native[gk] || s.builtin.Native(gk)
}

// definition reads the definition of a kind. One that is not there, or must
// not be read, is no failure: the kind may be of another sort.
func (s *Schemas) definition(ctx context.Context, gvk schema.GroupVersionKind, _ *driftschema.Set) (*driftschema.Set, error) {
	mapping, err := s.cluster.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, classify(err)
	}
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	crd, err := s.cluster.objects.Resource(crds).Get(ctx, mapping.Resource.Resource+"."+gvk.Group, metav1.GetOptions{})
	if kind := fault.Of(classify(err)); kind == fault.Missing || kind == fault.Denied {
		return nil, nil
	}
	if err != nil {
		return nil, classify(err)
	}
	return driftschema.FromCRD(crd)
}
