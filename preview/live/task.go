package live

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// application is one of a change, as a sync of head would find it.
type application struct {
	app *v1alpha1.Application
	// id is what tracking ids carry, and was what they carried on base.
	id, was string
	policy  plan.Policy
	// force: an option asks for objects to be made anew where they must.
	force bool
	// goes: it is deleted, if only for one of another name, and its objects stay
	// where cascades is false. That does not happen where kept says why.
	goes, cascades bool
	kept           string
	// lasting is an object that a sync of head applies, so that it is known not to
	// be empty; nil where it is.
	lasting    *unstructured.Unstructured
	base, head map[object.Key]*unstructured.Unstructured
	// removes: a sync takes away what somebody added by hand.
	removes bool
	// scalers are the autoscalers that it describes.
	scalers []*unstructured.Unstructured

	mu      sync.Mutex
	expects *reconcile.Expects // what may differ; nil until it is known
}

// task is one object to ask about.
type task struct {
	*application
	key    object.Key
	action preview.Action
	// base and head are nil where that side has no such object.
	base, head *unstructured.Unstructured
	// touched are the paths that change.
	touched []string
}

func newApplication(app *preview.App, base, head *preview.Side) *application {
	shown := head
	if head == nil {
		shown = base
	}
	a := &application{app: &v1alpha1.Application{}, goes: head == nil || app.Action == preview.Rename, kept: app.Kept, base: map[object.Key]*unstructured.Unstructured{}, head: map[object.Key]*unstructured.Unstructured{}}
	a.app.Namespace, a.app.Name, a.app.Spec = app.Namespace, app.Name, specOf(shown)
	a.policy, a.removes = reconcile.PolicyOf(a.app, nil), reconcile.RemovesUndeclared(a.app)
	if p := a.app.Spec.SyncPolicy; p != nil {
		a.force = plan.Option(p.SyncOptions, "Force") == "true"
	}
	if base != nil {
		a.cascades = base.Cascades()
		a.index(a.base, base.Objects)
		a.was = a.id
	}
	if head != nil {
		for _, u := range head.Objects {
			if plan.HookOf(u) == "" && (a.lasting == nil || a.lasting.GetName() == "") {
				a.lasting = u
			}
		}
		a.index(a.head, head.Objects)
	}
	a.policy.Deleting = a.goes && a.cascades
	return a
}

// expected reads what may differ; once it is known, it is known to all.
func (a *application) expected(ctx context.Context, f *reconcile.Flow) (reconcile.Expects, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.expects == nil {
		e, err := f.Expects(ctx, a.app)
		if err != nil {
			return e, err
		}
		a.expects = &e
	}
	return *a.expects, nil
}

func (a *application) index(into map[object.Key]*unstructured.Unstructured, objects []*unstructured.Unstructured) {
	for _, u := range objects {
		into[object.KeyOf(u)] = u
		if id, ok := object.OwnerOf(u); ok {
			a.id = id
		}
		if known.IsScaler(u.GroupVersionKind().GroupKind()) {
			a.scalers = append(a.scalers, u)
		}
	}
}

// tasks are the objects that change. A new name is a deletion and a creation.
// Hooks are left out: no sync applies them.
func (a *application) tasks(objects []preview.Object) []task {
	var out []task
	for _, o := range objects {
		t := task{application: a, key: o.Key(), action: o.Action, base: a.base[o.Key()], head: a.head[o.Key()]}
		for _, f := range o.Fields {
			t.touched = append(t.touched, f.Path)
		}
		if o.Action == preview.Rename {
			old := t
			old.key.Name, old.action, old.head, old.touched = o.Was, preview.Delete, nil, nil
			old.base = a.base[old.key]
			out = append(out, old)
			t.action, t.base, t.touched = preview.Create, nil, nil
		}
		out = append(out, t)
	}
	return slices.DeleteFunc(out, func(t task) bool {
		return t.base == nil && t.head == nil || t.head != nil && plan.HookOf(t.head) != ""
	})
}

// gvk is the kind of the object, in the version in which it is described.
func (t task) gvk() schema.GroupVersionKind {
	if t.head != nil {
		return t.head.GroupVersionKind()
	}
	return t.base.GroupVersionKind()
}

// in gives both sides the scope that the kind has in the cluster: without one,
// that may have been guessed.
func (t task) in(namespaced bool) task {
	if namespaced || t.key.Namespace == "" {
		return t
	}
	clusterWide := func(u *unstructured.Unstructured) *unstructured.Unstructured {
		if u == nil {
			return nil
		}
		u = u.DeepCopy()
		u.SetNamespace("")
		object.Track(u, t.id)
		return u
	}
	t.key.Namespace = ""
	t.base, t.head = clusterWide(t.base), clusterWide(t.head)
	return t
}

// world is what the applications of a change describe in one cluster.
type world struct {
	namespaces map[string]bool
	kinds      map[schema.GroupKind]bool
}

func newWorld() *world {
	return &world{map[string]bool{}, map[schema.GroupKind]bool{}}
}

func (w *world) add(s *preview.Side) {
	if s.Err != nil {
		return
	}
	spec := specOf(s)
	if p := spec.SyncPolicy; p != nil && plan.Option(p.SyncOptions, "CreateNamespace") == "true" {
		w.namespaces[spec.Destination.Namespace] = true
	}
	for _, u := range s.Objects {
		switch gk := u.GroupVersionKind().GroupKind(); gk {
		case schema.GroupKind{Kind: "Namespace"}:
			w.namespaces[u.GetName()] = true
		case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
			group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
			w.kinds[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
}
