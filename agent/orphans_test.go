package agent_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestOrphans: where the project asks for it, what somebody left in the
// namespace is told, is no drift and is not touched; what controllers make,
// what another application tracks and what the project knows of is not told.
func TestOrphans(t *testing.T) {
	t.Parallel()
	w := start(t)
	project := &v1alpha1.Project{ObjectMeta: metav1.ObjectMeta{Name: "tidy", Namespace: w.namespace}, Spec: v1alpha1.ProjectSpec{
		SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
		ClusterResourceWhitelist: []v1alpha1.ClusterResourceRestriction{{Group: "*", Kind: "*"}},
		OrphanedResources:        &v1alpha1.OrphanedResources{Ignore: []v1alpha1.OrphanedResourceKey{{Kind: "ConfigMap", Name: "known-*"}}},
	}}
	w.must(w.client.Create(t.Context(), project))
	namespace := w.namespace + "-web"
	w.must(w.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	made := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string]string{"a": "b"}}
	}
	notes := made("notes")
	w.must(w.client.Create(t.Context(), notes))
	w.must(w.client.Create(t.Context(), made("known-to-all")))
	w.write("beside/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\ndata: {a: b}\n")
	w.commit("Put something beside it")
	w.app("beside", "beside", func(app *v1alpha1.Application) { app.Spec.Destination.Namespace = namespace })
	beside := w.await("beside", "synced", good)
	if beside.Status.Drift.Orphaned != nil {
		t.Errorf("the project of beside does not ask for it: %+v", beside.Status.Drift.Orphaned)
	}
	w.app("web", "kustomize/overlays/eu", func(app *v1alpha1.Application) { app.Spec.Project = "tidy" })
	w.await("web", "warning of what nobody tracks", says("OrphanedResourceWarning", "nobody tracks 1 objects of the namespace: ConfigMap "+namespace+"/notes"))
	app := w.await("web", "good all the same", good)
	want := []v1alpha1.OrphanedObject{{Kind: "ConfigMap", Namespace: namespace, Name: "notes"}}
	if diff := cmp.Diff(want, app.Status.Drift.Orphaned.Objects); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d := app.Status.Drift; d.Objects != 0 || len(d.Orphaned.Unlisted) != 0 || d.Orphaned.ListedAt == nil {
		t.Errorf("the drift reads %+v, %+v", d, d.Orphaned)
	}
	w.must(w.client.Get(t.Context(), client.ObjectKeyFromObject(notes), &corev1.ConfigMap{}))

	quiet := project.DeepCopy()
	quiet.Spec.OrphanedResources.Warn = new(false)
	w.must(w.client.Patch(t.Context(), quiet, client.MergeFrom(project)))
	app = w.await("web", "quiet", func(app *v1alpha1.Application) bool {
		return apimeta.FindStatusCondition(app.Status.Conditions, "OrphanedResourceWarning") == nil && app.Status.Drift.Orphaned.Count == 1
	})
	w.must(w.client.Delete(t.Context(), notes))
	next := app.DeepCopy()
	next.Annotations = map[string]string{"trueup.dev/refresh": "normal"}
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	w.await("web", "tidy", func(app *v1alpha1.Application) bool { return app.Status.Drift.Orphaned.Count == 0 })
	off := quiet.DeepCopy()
	off.Spec.OrphanedResources = nil
	w.must(w.client.Patch(t.Context(), off, client.MergeFrom(quiet)))
	w.await("web", "not asked any more", func(app *v1alpha1.Application) bool { return app.Status.Drift.Orphaned == nil })
}
