package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/trueup-dev/trueup/drift/orphan"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

var _ reconcile.Contents = (*Cluster)(nil)

// contentsPage bounds the objects of one answer.
const contentsPage = 500

// Contents implements reconcile.Contents: one list of metadata for each kind
// that lives in namespaces, in pages.
func (c *Cluster) Contents(ctx context.Context, namespace string) ([]orphan.Object, []string, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, nil, err
	}
	lists, err := client.ServerPreferredNamespacedResourcesWithContext(ctx)
	if err != nil && len(lists) == 0 {
		return nil, nil, fmt.Errorf("ask cluster %s for the kinds of its namespaces: %w", c.name, classify(err))
	}
	var skipped []string
	if err != nil {
		skipped = append(skipped, "kinds of an API that does not answer: "+err.Error())
	}
	var out []orphan.Object
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // no server names a group like that
		}
		for _, r := range list.APIResources {
			gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || orphan.Skips(gk) {
				continue
			}
			found, err := c.metadataOf(ctx, gv.WithResource(r.Name), gk, namespace)
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			if err != nil {
				skipped = append(skipped, gk.String()+": "+err.Error())
				continue
			}
			out = append(out, found...)
		}
	}
	slices.Sort(skipped)
	return out, skipped, nil
}

func (c *Cluster) metadataOf(ctx context.Context, gvr schema.GroupVersionResource, gk schema.GroupKind, namespace string) ([]orphan.Object, error) {
	var out []orphan.Object
	next := ""
	for {
		list, err := c.metadata.Resource(gvr).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: contentsPage, Continue: next})
		if err != nil {
			return nil, classify(err)
		}
		for i := range list.Items {
			m := &list.Items[i]
			out = append(out, orphan.Object{
				Key:    object.Key{Group: gk.Group, Kind: gk.Kind, Namespace: m.Namespace, Name: m.Name},
				Labels: m.Labels, Annotations: m.Annotations, Owned: len(m.OwnerReferences) > 0,
			})
		}
		if next = list.Continue; next == "" {
			return out, nil
		}
	}
}
