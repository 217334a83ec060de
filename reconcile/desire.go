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
	"github.com/trueup-dev/trueup/reconcile/declared"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// Desired is what Git says an application consists of, ready to be applied.
type Desired struct {
	// Commit is that of the first source, Commits those of all.
	Commit      snapshot.Commit
	Commits     []snapshot.Commit
	SourceTypes []string
	Objects     []*unstructured.Unstructured
	// Digest stands for all objects together: two commits that describe the
	// same thing have the same one.
	Digest   string
	Warnings []string
	// Sensitive says that encrypted files were opened, or objects of the
	// cluster looked up.
	Sensitive bool
	// Unsupported are limits of the project that nobody acts upon.
	Unsupported []string
	// Origins tell where objects are described, such as
	// "shop/web.yaml:12", as far as it is known.
	Origins map[object.Key]string

	// from tells more of where they come from.
	from   map[*unstructured.Unstructured]declared.Source
	hashes map[object.Key]string
	// vague are objects of kinds that the cluster cannot tell about just now.
	vague unreadable
	asked []asked
	// stand is where the trees of asked stood, one after the other.
	stand []standing
	rules rulebook
	// left stands for what is fought over of each object.
	left map[object.Key]string
	// project limits the application; nil where nothing does.
	project *v1alpha1.Project
	// named are the repositories that files named beyond the sources.
	named []string
}

// Desire renders what an application asks for. revisions, where not empty,
// take the place of the sources' own, one by one.
func (f *Flow) Desire(ctx context.Context, app *v1alpha1.Application, revisions ...string) (*Desired, *Cluster, error) {
	d, cluster, err := f.desire(ctx, app, revisions)
	if err != nil {
		return nil, nil, err
	}
	return d, cluster, nil
}

// Explain is Desire for those who want to know what was read, source by source,
// also where that led to an error. Beside one, only the Reads of what it returns
// are whole.
func (f *Flow) Explain(ctx context.Context, app *v1alpha1.Application) (*Desired, error) {
	d, _, err := f.desire(ctx, app, nil)
	if d == nil {
		d = &Desired{}
	}
	return d, err
}

// desire is Desire. Where it fails once the sources are open, what it returns
// beside the error tells what was read and which repositories were named.
func (f *Flow) desire(ctx context.Context, app *v1alpha1.Application, revisions []string) (*Desired, *Cluster, error) {
	cluster, err := f.Clusters.Cluster(ctx, app.Spec.Destination)
	if err != nil {
		return nil, nil, fmt.Errorf("find the destination: %w", err)
	}
	project, err := f.projectOf(ctx, app, cluster)
	if err != nil {
		return nil, nil, err
	}
	all, err := f.open(ctx, app, project, revisions)
	if err != nil {
		return nil, nil, err
	}
	capabilities, err := cluster.Kinds.Capabilities(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("ask cluster %s what it serves: %w", cluster.Name, err)
	}
	d := &Desired{Origins: map[object.Key]string{}, vague: unreadable{}}
	if live := lookups(app, cluster, project, d); live != nil {
		for i := range all.sources {
			all.sources[i].Live = live
		}
	}
	for _, s := range all.sources {
		d.Commits = append(d.Commits, s.Tree.Commit)
	}
	d.Commit = d.Commits[0]
	objects, err := f.render(ctx, app, all, capabilities, d)
	if err != nil {
		return d, nil, err
	}
	var scopes []limits.Object
	if scopes, err = f.own(ctx, app, cluster, objects, d); err != nil {
		return d, nil, err
	}
	if project != nil {
		if err := limits.CheckObjects(project, limits.Destination{Name: cluster.Name, Server: cluster.Server}, scopes); err != nil {
			return d, nil, err
		}
		d.Unsupported = limits.Unsupported(project)
		d.project = project
	}
	d.hash()
	return d, cluster, nil
}

// projectOf is ProjectOf for the flow's projects. It is nil where nothing is
// limited.
func (f *Flow) projectOf(ctx context.Context, app *v1alpha1.Application, c *Cluster) (*v1alpha1.Project, error) {
	if f.Projects == nil {
		return nil, nil
	}
	return ProjectOf(ctx, f.Projects, app, limits.Destination{Name: c.Name, Server: c.Server}, f.Namespace)
}

// ProjectOf reads an application's project and holds the application against
// it: its repositories, their credentials, the namespace that it lives in and
// its destination; agent is the namespace in which every project may have
// applications. It is nil for the default project that nobody made, which
// limits nothing.
func ProjectOf(ctx context.Context, projects Projects, app *v1alpha1.Application, to limits.Destination, agent string) (*v1alpha1.Project, error) {
	name := limits.NameOf(app)
	var failures []error
	for _, s := range app.Spec.AllSources() {
		failures = append(failures, projects.MayRead(ctx, name, s.RepoURL))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	project, err := projects.Project(ctx, name)
	switch {
	case fault.Of(err) == fault.Missing && name == limits.DefaultProject:
		return nil, nil
	case fault.Of(err) == fault.Missing:
		return nil, fault.New(fault.Denied, "the project %s does not exist", name)
	case err != nil:
		return nil, fmt.Errorf("read the project %s: %w", name, err)
	}
	return project, limits.CheckSpec(project, app, to, agent)
}

// render renders every source. Of two that describe one object the later one
// counts.
func (f *Flow) render(ctx context.Context, app *v1alpha1.Application, all opened, c render.Capabilities, d *Desired) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	var failures []error
	at := map[object.Key]int{}
	for i, req := range all.sources {
		if all.onlyRef(i) {
			d.asks(req, all.locations[i], nil, render.Reads{})
			continue
		}
		req.Capabilities = c
		result, err := f.Renderer.Render(ctx, req)
		for _, more := range result.Reads.More {
			d.named = append(d.named, more.At.RepoURL)
		}
		if err != nil {
			d.asked = append(d.asked, asked{reads: result.Reads, trees: []asking{{at: all.locations[i]}}}) // for Explain
			failures = append(failures, err)
			continue
		}
		d.SourceTypes = append(d.SourceTypes, string(result.Type))
		d.Warnings = append(d.Warnings, result.Warnings...)
		d.Sensitive = d.Sensitive || result.Sensitive
		d.asks(req, all.locations[i], all.refs, result.Reads)
		d.describe(req, i, result, all)
		for _, u := range result.Objects {
			key := f.keyIn(app, u)
			if origin, ok := result.Origins[object.KeyOf(u)]; ok {
				d.Origins[key] = origin.String()
			} else {
				delete(d.Origins, key)
			}
			if first, ok := at[key]; ok && key.Name != "" {
				d.Warnings = append(d.Warnings, key.String()+" is described by several sources; the last one counts")
				objects[first] = u
				continue
			}
			at[key] = len(objects)
			objects = append(objects, u)
		}
	}
	return objects, errors.Join(failures...)
}

// keyIn is an object's key once it has a namespace. Whether its kind has any
// is not known yet, which makes no difference to finding doubles.
func (f *Flow) keyIn(app *v1alpha1.Application, u *unstructured.Unstructured) object.Key {
	key := object.KeyOf(u)
	if key.Namespace == "" {
		key.Namespace = app.Spec.Destination.Namespace
	}
	return key
}

// own makes rendered objects the application's: in the destination namespace
// unless they name one, and tracked. Origins follow their objects. Of a kind
// that the cluster cannot tell about just now, an object stays what it was.
func (f *Flow) own(ctx context.Context, app *v1alpha1.Application, c *Cluster, objects []*unstructured.Unstructured, d *Desired) ([]limits.Object, error) {
	defined, origins := definitions(objects), d.Origins
	var scopes []limits.Object
	var failures []error
	for _, rendered := range objects {
		u := rendered
		place := f.keyIn(app, u)
		origin, known := origins[place]
		delete(origins, place)
		namespaced, ok := defined[u.GroupVersionKind()]
		var vague error
		if !ok {
			var err error
			namespaced, err = c.Kinds.Namespaced(ctx, u.GroupVersionKind())
			switch answered := new(Answered); {
			case errors.As(err, &answered):
				namespaced, vague = wasNamespaced(app, object.KeyOf(u)), err
			case err != nil:
				failures = append(failures, fmt.Errorf("%s: %w", described(u, origin), err))
				continue
			}
		}
		switch {
		case !namespaced:
			u.SetNamespace("")
		case u.GetNamespace() == "":
			u.SetNamespace(app.Spec.Destination.Namespace)
			if u.GetNamespace() == "" {
				failures = append(failures, fault.New(fault.Invalid, "%s has no namespace, and the destination names none", described(u, origin)))
				continue
			}
		}
		unstructured.RemoveNestedField(u.Object, "status")
		unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
		object.Track(u, f.ID(app))
		if known {
			origins[object.KeyOf(u)] = origin
		}
		d.Objects = append(d.Objects, u)
		if vague != nil {
			d.vague[object.KeyOf(u)] = vague // nothing is done about it, so that nothing has to be permitted
			continue
		}
		scopes = append(scopes, limits.Object{Key: object.KeyOf(u), Namespaced: namespaced})
	}
	return scopes, errors.Join(failures...)
}

// described names an object and, where it is known, its place.
func described(u *unstructured.Unstructured, origin string) string {
	if origin == "" {
		return object.KeyOf(u).String()
	}
	return object.KeyOf(u).String() + " (" + origin + ")"
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
