package reconcile

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// LookupAnnotation lets the charts of an application look up live objects
// where it is "true".
const LookupAnnotation = "trueup.dev/helm-lookup"

// maxLookedUp bounds the objects of one answer.
const maxLookedUp = 5000

// live looks up objects of a cluster, as far as a project permits.
type live struct {
	cluster *Cluster
	project *v1alpha1.Project // nil permits everything
}

var _ render.Live = live{}

// lookups is nil where an application does not ask for them, and where there
// is no cluster to ask.
func lookups(app *v1alpha1.Application, c *Cluster, p *v1alpha1.Project, d *Desired) render.Live {
	if app.Annotations[LookupAnnotation] != "true" {
		return nil
	}
	if c.Objects == nil {
		d.Warnings = append(d.Warnings, "without a cluster, lookup finds nothing: the annotation "+LookupAnnotation+" has no effect here")
		return nil
	}
	return live{c, p}
}

// Lookup implements render.Live.
func (l live) Lookup(ctx context.Context, q render.Query) (map[string]any, error) {
	nothing := map[string]any{}
	gv, err := schema.ParseGroupVersion(q.APIVersion)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	gvk := gv.WithKind(q.Kind)
	namespaced, err := l.cluster.Kinds.Namespaced(ctx, gvk)
	switch {
	case fault.Of(err) == fault.Missing:
		return nothing, nil
	case err != nil:
		return nil, fmt.Errorf("ask cluster %s about %s: %w", l.cluster.Name, q.Kind, err)
	}
	key := object.Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: q.Namespace, Name: q.Name}
	if !namespaced {
		key.Namespace = ""
	}
	if q.Name == "" {
		return l.list(ctx, gvk, key, namespaced)
	}
	if namespaced && key.Namespace == "" {
		return nothing, nil // no object has that key
	}
	if err := l.permitted(limits.Object{Key: key, Namespaced: namespaced}); err != nil {
		return nil, err
	}
	u, err := l.cluster.Objects.Get(ctx, gvk, key)
	switch {
	case fault.Of(err) == fault.Missing:
		return nothing, nil
	case err != nil:
		return nil, fmt.Errorf("read from cluster %s: %w", l.cluster.Name, err)
	}
	return u.Object, nil
}

// list answers with all objects of a kind, in the order of their keys. One
// that is not permitted denies them all: to leave it out would have a template
// take it for absent.
func (l live) list(ctx context.Context, gvk schema.GroupVersionKind, of object.Key, namespaced bool) (map[string]any, error) {
	asked := of
	if namespaced && of.Namespace == "" {
		asked.Namespace = "*" // which only a project with all namespaces matches
	}
	if err := l.permitted(limits.Object{Key: asked, Namespaced: namespaced}); err != nil {
		return nil, err
	}
	found, err := l.cluster.Objects.List(ctx, gvk, of.Namespace, maxLookedUp)
	switch {
	case fault.Of(err) == fault.Missing:
		return map[string]any{}, nil
	case err != nil:
		return nil, fmt.Errorf("list from cluster %s: %w", l.cluster.Name, err)
	}
	slices.SortFunc(found, func(a, b *unstructured.Unstructured) int { return object.KeyOf(a).Compare(object.KeyOf(b)) })
	items := make([]any, len(found))
	for i, u := range found {
		key := object.KeyOf(u)
		key.Group, key.Kind = gvk.Group, gvk.Kind
		if l.permitted(limits.Object{Key: key, Namespaced: namespaced}) != nil {
			return nil, fault.New(fault.Denied, "project %s does not permit all that a list of %s holds; look up by name, or in one namespace", l.project.Name, gvk.Kind)
		}
		items[i] = u.Object
	}
	version, kind := gvk.ToAPIVersionAndKind()
	return map[string]any{"apiVersion": version, "kind": kind + "List", "items": items}, nil
}

func (l live) permitted(o limits.Object) error {
	if l.project == nil {
		return nil
	}
	return limits.CheckObjects(l.project, limits.Destination{Name: l.cluster.Name, Server: l.cluster.Server}, []limits.Object{o})
}
