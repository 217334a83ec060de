package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// DecisionObjects reads what a clusterDecisionResource generator names. What
// is not there is fault.Missing.
type DecisionObjects interface {
	ConfigMap(ctx context.Context, namespace, name string) (map[string]string, error)
	// Select lists the objects of a kind, which may be written as a resource
	// (placementdecisions) as well.
	Select(ctx context.Context, kind schema.GroupVersionKind, namespace string, by metav1.ListOptions) ([]*unstructured.Unstructured, error)
}

// Decisions implements appset.Decisions by the objects that ConfigMaps of
// Argo CD's form describe.
type Decisions struct {
	Objects DecisionObjects
	// Namespace holds ConfigMaps and decision objects; empty is the set's own.
	Namespace string
}

var _ appset.Decisions = Decisions{}

// How many objects one request lists, and how many there may be in all.
const (
	pageOfObjects = 500
	maxDecisions  = 10_000
)

// defaultStatusList is the list of a status where the ConfigMap names none.
const defaultStatusList = "clusters"

// Decide implements appset.Decisions.
func (d Decisions) Decide(ctx context.Context, namespace string, gen *v1alpha1.DuckTypeGenerator) (appset.Decision, error) {
	namespace = cmp.Or(d.Namespace, namespace)
	config, err := d.Objects.ConfigMap(ctx, namespace, gen.ConfigMapRef)
	if err != nil {
		return appset.Decision{}, fmt.Errorf("read the ConfigMap %s that describes decisions: %w", gen.ConfigMapRef, err)
	}
	kind, err := decisionKind(gen.ConfigMapRef, config)
	if err != nil {
		return appset.Decision{}, err
	}
	by := metav1.ListOptions{Limit: pageOfObjects, FieldSelector: fields.OneTermEqualSelector("metadata.name", gen.Name).String()}
	what := gen.Name
	if gen.Name == "" {
		selector, err := metav1.LabelSelectorAsSelector(&gen.LabelSelector)
		if err != nil {
			return appset.Decision{}, fault.Wrap(fault.Invalid, fmt.Errorf("labelSelector: %w", err))
		}
		what = "with the labels " + selector.String()
		by = metav1.ListOptions{Limit: pageOfObjects, LabelSelector: selector.String()}
	}
	objects, err := d.Objects.Select(ctx, kind, namespace, by)
	if err != nil {
		return appset.Decision{}, fmt.Errorf("list %s of %s %s in %s: %w", kind.Kind, kind.GroupVersion(), what, namespace, err)
	}
	if len(objects) == 0 {
		return appset.Decision{}, fault.New(fault.Missing, "there is no %s of %s %s in %s", kind.Kind, kind.GroupVersion(), what, namespace)
	}
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) })
	out := appset.Decision{MatchKey: config["matchKey"]}
	var failures []error
	for _, u := range objects {
		items, made, err := decided(u, cmp.Or(config["statusListKey"], defaultStatusList))
		failures = append(failures, err)
		if err == nil && !made {
			out.Undecided = append(out.Undecided, kind.Kind+" "+u.GetName())
		}
		out.Items = append(out.Items, items...)
	}
	return out, errors.Join(failures...)
}

func decisionKind(name string, config map[string]string) (schema.GroupVersionKind, error) {
	group, version, ok := strings.Cut(config["apiVersion"], "/")
	if kind := config["kind"]; ok && group != "" && version != "" && kind != "" {
		return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, nil
	}
	return schema.GroupVersionKind{}, fault.New(fault.Invalid,
		"the ConfigMap %s must name the apiVersion (GROUP/VERSION) and the kind of decisions; it has %q and %q", name, config["apiVersion"], config["kind"])
}

// decided is the list in an object's status, and whether it is there. One of
// another shape is an error: it says something that we do not understand.
func decided(u *unstructured.Unstructured, list string) (items []map[string]any, made bool, err error) {
	status, ok := u.Object["status"].(map[string]any)
	if !ok || status[list] == nil {
		return nil, false, nil
	}
	all, ok := status[list].([]any)
	if !ok {
		return nil, false, fault.New(fault.Invalid, "status.%s of %s %s is not a list", list, u.GetKind(), u.GetName())
	}
	items = make([]map[string]any, len(all))
	for i, item := range all {
		if items[i], ok = item.(map[string]any); !ok {
			return nil, false, fault.New(fault.Invalid, "status.%s[%d] of %s %s is not a map", list, i, u.GetKind(), u.GetName())
		}
	}
	return items, true, nil
}

// Select lists objects by labels or fields. The kind may be written as a
// resource.
func (c *Cluster) Select(ctx context.Context, kind schema.GroupVersionKind, namespace string, by metav1.ListOptions) ([]*unstructured.Unstructured, error) {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		mapping, err = c.mappingOfResource(kind)
	}
	if err != nil {
		return nil, classify(err)
	}
	var out []*unstructured.Unstructured
	resource := c.objects.Resource(mapping.Resource)
	for {
		var page *unstructured.UnstructuredList
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			page, err = resource.Namespace(namespace).List(ctx, by)
		} else {
			page, err = resource.List(ctx, by)
		}
		if err != nil {
			return nil, classify(err)
		}
		for i := range page.Items {
			out = append(out, &page.Items[i])
		}
		if by.Continue = page.GetContinue(); by.Continue == "" {
			return out, nil
		}
		if len(out) > maxDecisions {
			return nil, fault.New(fault.Invalid, "there are more than %d", maxDecisions)
		}
	}
}

func (c *Cluster) mappingOfResource(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	found, err := c.mapper.KindFor(schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind)})
	if err != nil {
		return nil, err
	}
	return c.mapper.RESTMapping(found.GroupKind(), kind.Version)
}
