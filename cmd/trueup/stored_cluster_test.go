package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

// storedCluster keeps objects in memory. It applies as an API server does, by
// the field manager of one: what an apply leaves out goes where nobody else
// has it.
type storedCluster struct {
	reconcile.Kinds
	schemas drift.Schemas

	mu      sync.Mutex
	objects map[object.Key]*unstructured.Unstructured
	version int
	// applied and deleted are the writes since the last call of written.
	applied, deleted map[object.Key]bool
}

func newStoredCluster(kinds reconcile.Kinds, schemas drift.Schemas) *storedCluster {
	c := &storedCluster{Kinds: kinds, schemas: schemas, objects: map[object.Key]*unstructured.Unstructured{}}
	c.written()
	return c
}

// written tells what was applied and deleted, once.
func (c *storedCluster) written() (applied, deleted map[object.Key]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	applied, deleted = c.applied, c.deleted
	c.applied, c.deleted = map[object.Key]bool{}, map[object.Key]bool{}
	return applied, deleted
}

// content is what the cluster has, without what it adds by itself.
func (c *storedCluster) content() []*unstructured.Unstructured {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*unstructured.Unstructured
	for _, key := range slices.SortedFunc(maps.Keys(c.objects), object.Key.Compare) {
		u := c.objects[key].DeepCopy()
		for _, field := range []string{"managedFields", "uid", "resourceVersion"} {
			unstructured.RemoveNestedField(u.Object, "metadata", field)
		}
		out = append(out, u)
	}
	return out
}

// Cluster implements reconcile.Clusters.
func (c *storedCluster) Cluster(context.Context, v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: "world", Writer: c, Objects: c, Kinds: c, Schemas: c.schemas}, nil
}

// fieldTypes know the structure of the built-in kinds.
var fieldTypes = sync.OnceValue(func() managedfields.TypeConverter { return applyconfigurations.NewTypeConverter(scheme.Scheme) })

// Apply implements apply.Writer.
func (c *storedCluster) Apply(_ context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, gvk := object.KeyOf(u), u.GroupVersionKind()
	types := fieldTypes()
	if _, err := types.ObjectToTyped(u); err != nil {
		types = managedfields.NewDeducedTypeConverter()
	}
	live := c.objects[key]
	if live == nil {
		live = &unstructured.Unstructured{}
		live.SetGroupVersionKind(gvk)
		live.SetUID(uid(key))
	}
	merged, err := managedfieldstest.NewFakeFieldManager(types, gvk).Apply(live.DeepCopy(), u.DeepCopy(), object.FieldManager, true)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(merged)
	if err != nil {
		return nil, err
	}
	c.version++
	stored := &unstructured.Unstructured{Object: content}
	stored.SetUID(uid(key))
	stored.SetResourceVersion(strconv.Itoa(c.version))
	c.objects[key] = stored
	c.applied[key] = true
	return stored.DeepCopy(), nil
}

func uid(key object.Key) types.UID { return types.UID("uid of " + key.String()) }

// Delete implements apply.Writer.
func (c *storedCluster) Delete(_ context.Context, key object.Key, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.objects[key] == nil || id != string(uid(key)) {
		return fault.New(fault.Missing, "%s is not there with the UID %q", key, id)
	}
	delete(c.objects, key)
	c.deleted[key] = true
	return nil
}

// Remove implements apply.Writer.
func (c *storedCluster) Remove(_ context.Context, p apply.Patch) (*unstructured.Unstructured, error) {
	return nil, fmt.Errorf("nobody added anything to %s by hand", p.Key)
}

// Get implements reconcile.Objects.
func (c *storedCluster) Get(_ context.Context, _ schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.objects[key]; u != nil {
		return u.DeepCopy(), nil
	}
	return nil, fault.New(fault.Missing, "%s is not there", key)
}

// List implements reconcile.Objects.
func (c *storedCluster) List(_ context.Context, gvk schema.GroupVersionKind, namespace string, _ int) ([]*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*unstructured.Unstructured
	for key, u := range c.objects {
		if key.GroupKind() == gvk.GroupKind() && (namespace == "" || namespace == key.Namespace) {
			out = append(out, u.DeepCopy())
		}
	}
	return out, nil
}

// Owned implements reconcile.Objects.
func (c *storedCluster) Owned(_ context.Context, app string, _ []schema.GroupVersionKind) ([]reconcile.Owned, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []reconcile.Owned
	for key, u := range c.objects {
		if owner, ok := object.OwnerOf(u); ok && owner == app {
			out = append(out, reconcile.Owned{Key: key, Version: u.GroupVersionKind().Version})
		}
	}
	return out, nil
}
