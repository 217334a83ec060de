package reconcile

import (
	"slices"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestAnApplicationOfAnotherName: what one application has, another one does
// not take over, whether that one is still there or not. Previews tell people
// so when an application gets another name.
func TestAnApplicationOfAnotherName(t *testing.T) {
	t.Parallel()
	const manifests = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: shop}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}}
`
	flow, c := newFlow(t, manifests)
	flow.Clusters.(source).cluster.Objects = owning{c}
	named := func(name string) *v1alpha1.Application {
		app := application(nil)
		app.Name = name
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: true}}
		return app
	}
	before, after := named("before"), named("after")
	owners := func() []string {
		var out []string
		for key, u := range c.stored {
			owner, _ := object.OwnerOf(u)
			out = append(out, key.Short()+" of "+owner)
		}
		slices.Sort(out)
		return out
	}
	memories := map[string]*Memory{"before": {}, "after": {}}
	sync := func(app *v1alpha1.Application, want ...string) {
		t.Helper()
		out := flow.Run(t.Context(), app, memories[app.Name])
		if out.Err != nil {
			t.Fatal(out.Err)
		}
		// No watch tells an application of what is another one's.
		if refused := condition(out.Status, "SharedResource") != ""; refused != (out.After > 0) {
			t.Errorf("%s is refused: %v, and looked at again after %s", app.Name, refused, out.After)
		}
		if got := owners(); !slices.Equal(got, want) {
			t.Errorf("after a sync of %s there are %q, want %q", app.Name, got, want)
		}
	}
	all := []string{"ConfigMap shop/conf of before", "ConfigMap shop/other of before", "PersistentVolumeClaim shop/data of before"}
	sync(before, all...)
	sync(after, all...)
	if _, err := flow.Teardown(t.Context(), before, &Memory{}); err != nil {
		t.Fatal(err)
	}
	sync(after, "PersistentVolumeClaim shop/data of before") // protected, and in the way of all else
	claim := object.Key{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}
	c.stored[claim].SetAnnotations(nil)
	sync(after, "ConfigMap shop/conf of after", "ConfigMap shop/other of after", "PersistentVolumeClaim shop/data of after")
}
