package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Desired is what Git says an application consists of, ready to be applied.
type Desired struct {
	Commit     snapshot.Commit
	SourceType string
	Objects    []*unstructured.Unstructured
	// Digest stands for all objects together: two commits that describe the
	// same thing have the same one.
	Digest   string
	Warnings []string

	hashes map[object.Key]string
}

// Desire renders what an application asks for. revision, where not empty,
// takes the place of the source's own.
func (f *Flow) Desire(ctx context.Context, app *v1alpha1.Application, revision string) (*Desired, *Cluster, error) {
	source := app.Spec.GetSource()
	if source == nil || source.RepoURL == "" || len(app.Spec.Sources) > 1 {
		return nil, nil, fault.New(fault.Invalid, "exactly one source with a repoURL is supported")
	}
	source = source.DeepCopy()
	if revision != "" {
		source.TargetRevision = revision
	}
	tree, err := f.Sources.Tree(ctx, locationOf(source))
	if err != nil {
		return nil, nil, err
	}
	cluster, err := f.Clusters.Cluster(ctx, app.Spec.Destination)
	if err != nil {
		return nil, nil, fmt.Errorf("find the destination: %w", err)
	}
	capabilities, err := cluster.Kinds.Capabilities(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("ask cluster %s what it serves: %w", cluster.Name, err)
	}
	result, err := f.Renderer.Render(ctx, render.Request{
		Tree: tree, App: app.Name, ID: f.ID(app), Namespace: app.Spec.Destination.Namespace, Project: app.Spec.Project,
		Source: *source, Capabilities: capabilities,
	})
	if err != nil {
		return nil, nil, err
	}
	d := &Desired{Commit: tree.Commit, SourceType: string(result.Type), Warnings: result.Warnings}
	if d.Objects, err = f.own(ctx, app, cluster, result.Objects); err != nil {
		return nil, nil, err
	}
	d.hash()
	return d, cluster, nil
}

// locationOf is where a source's files are.
func locationOf(s *v1alpha1.ApplicationSource) snapshot.Location {
	return snapshot.Location{RepoURL: s.RepoURL, Chart: s.Chart, Revision: s.TargetRevision, TagPrefix: s.TagPrefix}
}

// own copies rendered objects and makes them the application's: in the
// destination namespace unless they name one, and tracked.
func (f *Flow) own(ctx context.Context, app *v1alpha1.Application, c *Cluster, objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	defined := definitions(objects)
	var out []*unstructured.Unstructured
	var failures []error
	for _, rendered := range objects {
		u := rendered.DeepCopy()
		namespaced, ok := defined[u.GroupVersionKind()]
		if !ok {
			var err error
			if namespaced, err = c.Kinds.Namespaced(ctx, u.GroupVersionKind()); err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", object.KeyOf(u), err))
				continue
			}
		}
		switch {
		case !namespaced:
			u.SetNamespace("")
		case u.GetNamespace() == "":
			u.SetNamespace(app.Spec.Destination.Namespace)
			if u.GetNamespace() == "" {
				failures = append(failures, fault.New(fault.Invalid, "%s has no namespace, and the destination names none", object.KeyOf(u)))
				continue
			}
		}
		unstructured.RemoveNestedField(u.Object, "status")
		unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
		object.Track(u, f.ID(app))
		out = append(out, u)
	}
	return out, errors.Join(failures...)
}

// definitions reads the scope of kinds from the definitions among the objects
// themselves: the cluster may not serve them yet.
func definitions(objects []*unstructured.Unstructured) map[schema.GroupVersionKind]bool {
	out := map[schema.GroupVersionKind]bool{}
	for _, u := range objects {
		if u.GetKind() != "CustomResourceDefinition" || u.GroupVersionKind().Group != "apiextensions.k8s.io" {
			continue
		}
		group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(u.Object, "spec", "scope")
		versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
		for _, v := range versions {
			if version, ok := v.(map[string]any); ok {
				name, _, _ := unstructured.NestedString(version, "name")
				out[schema.GroupVersionKind{Group: group, Version: name, Kind: kind}] = scope != "Cluster"
			}
		}
	}
	return out
}

func (d *Desired) hash() {
	d.hashes = make(map[object.Key]string, len(d.Objects))
	var all []string
	for _, u := range d.Objects {
		data, err := json.Marshal(u.Object)
		if err != nil {
			data = []byte(err.Error()) // cannot be: it was decoded from text
		}
		sum := sha256.Sum256(data)
		h := hex.EncodeToString(sum[:12])
		d.hashes[object.KeyOf(u)] = h
		all = append(all, h)
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(fmt.Sprint(all)))
	d.Digest = hex.EncodeToString(sum[:12])
}

// kinds lists every kind of the objects, once.
func (d *Desired) kinds() []schema.GroupVersionKind {
	var out []schema.GroupVersionKind
	for _, u := range d.Objects {
		if gvk := u.GroupVersionKind(); !slices.Contains(out, gvk) {
			out = append(out, gvk)
		}
	}
	return out
}
