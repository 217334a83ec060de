package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

const revertible = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.com/web:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: moved}
data: {a: "1", dropped: "x"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: deleted}
data: {a: "1"}
`

// ask asks for a sync as ana, and waits until it is done.
func (w *world) ask(name string, op v1alpha1.SyncOperation) *v1alpha1.Application {
	w.t.Helper()
	app := &v1alpha1.Application{}
	w.must(w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, app))
	next := app.DeepCopy()
	next.Operation = &v1alpha1.Operation{Sync: &op, InitiatedBy: v1alpha1.OperationInitiator{Username: "ana"}}
	w.must(w.client.Patch(w.t.Context(), next, client.MergeFrom(app)))
	return w.await(name, "through with its operation", func(a *v1alpha1.Application) bool {
		if op.DryRun {
			return a.Operation == nil && a.Status.DryRunState != nil
		}
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase != "Running"
	})
}

func results(app *v1alpha1.Application) []string {
	out, state := []string{}, app.Status.OperationState
	if app.Status.DryRunState != nil {
		state = app.Status.DryRunState
	}
	for _, r := range state.SyncResult.Resources {
		for _, f := range r.Fields {
			out = append(out, f.Status+" "+r.Kind+" "+f.Path+f.Message)
		}
	}
	return out
}

func drifts(app *v1alpha1.Application) []string {
	out := []string{}
	for _, c := range app.Status.Drift.Changes {
		out = append(out, c.Class+" "+c.Kind+" "+c.Path)
	}
	return out
}

// TestRevert: on a real API server, exactly what somebody else changed is put
// back, while a commit waits; what was added by hand goes when that is asked
// for, and nothing but the hand's own entry is gone from managedFields then.
func TestRevert(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write("revert/all.yaml", revertible)
	w.commit("Add revert")
	w.app("revert", "revert", func(a *v1alpha1.Application) { a.Spec.SyncPolicy.Automated = nil })
	w.ask("revert", v1alpha1.SyncOperation{})
	w.await("revert", "synced and healthy", good)
	namespace := w.namespace + "-revert"
	web, at := &appsv1.Deployment{}, client.ObjectKey{Namespace: namespace, Name: "web"}
	w.must(w.client.Get(t.Context(), at, web))
	own := drift.Fingerprint(web.ManagedFields, object.FieldManager).Own

	w.write("revert/all.yaml", strings.NewReplacer("web:1", "web:2", `data: {a: "1", dropped: "x"}`, `data: {a: "2"}`).Replace(revertible)+
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n")
	w.commit("Move on")
	w.await("revert", "out of sync", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync })

	w.byHand(at, func(web *appsv1.Deployment) {
		web.Spec.Replicas = new(int32(5))
		web.Spec.Paused = true
		web.Annotations["example.com/by"] = "hand"
		containers := web.Spec.Template.Spec.Containers
		containers[0].Env = []corev1.EnvVar{{Name: "DEBUG", Value: "1"}}
		web.Spec.Template.Spec.Containers = append([]corev1.Container{{Name: "debug", Image: "busybox"}}, containers...)
	})
	deleted := &corev1.ConfigMap{}
	deleted.Namespace, deleted.Name = namespace, "deleted"
	w.must(w.client.Delete(t.Context(), deleted))
	added := []string{
		`undeclared Deployment metadata.annotations["example.com/by"]`, "undeclared Deployment spec.paused",
		"undeclared Deployment spec.template.spec.containers[name=debug]", "undeclared Deployment spec.template.spec.containers[name=web].env[name=DEBUG]",
	}
	w.await("revert", "drifted", func(a *v1alpha1.Application) bool {
		return cmp.Equal(drifts(a), append(append([]string{"declared ConfigMap "}, added[0]), "undeclared Deployment spec.paused", "declared Deployment spec.replicas", added[2], added[3]))
	})

	// Exactly the drift that Git names.
	app := w.ask("revert", v1alpha1.SyncOperation{Drifted: true})
	if diff := cmp.Diff([]string{"Reverted Deployment spec.replicas"}, results(app)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(added, drifts(app)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	w.must(w.client.Get(t.Context(), at, web))
	if web.Spec.Template.Spec.Containers[1].Image != "example.com/web:1" || *web.Spec.Replicas != 2 || !web.Spec.Paused {
		t.Errorf("the deployment is %+v", web.Spec)
	}
	moved := &corev1.ConfigMap{}
	w.must(w.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "moved"}, moved))
	if diff := cmp.Diff(map[string]string{"a": "1", "dropped": "x"}, moved.Data); diff != "" {
		t.Errorf("what Git changed was applied (-want +got):\n%s", diff)
	}
	w.must(w.client.Get(t.Context(), client.ObjectKeyFromObject(deleted), deleted))
	if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "new"}, &corev1.ConfigMap{}); !apierrors.IsNotFound(err) {
		t.Errorf("an object of the next commit was created: %v", err)
	}
	if len(app.Status.History) != 1 || app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync {
		t.Errorf("it counts as a deployment: %+v, %s", app.Status.History, app.Status.Sync.Status)
	}

	// What was added by hand: first told, then removed.
	app = w.ask("revert", v1alpha1.SyncOperation{Drifted: true, Undeclared: true, DryRun: true, Paths: []string{"spec"}})
	if got := results(app); len(got) != 3 || !strings.HasPrefix(got[0], "Planned Deployment spec.paused") {
		t.Errorf("a dry run tells %q", got)
	}
	app = w.ask("revert", v1alpha1.SyncOperation{Drifted: true, Undeclared: true})
	if got := results(app); len(got) != 4 || slices.ContainsFunc(got, func(r string) bool { return !strings.HasPrefix(r, "Removed ") }) {
		t.Errorf("results %q", got)
	}
	if app.Status.Drift.Objects != 0 {
		t.Errorf("left: %q", drifts(app))
	}
	w.must(w.client.Get(t.Context(), at, web))
	if got := drift.Fingerprint(web.ManagedFields, object.FieldManager).Own; got != own {
		t.Errorf("our own entry is another one than before the edit: %s, was %s", got, own)
	}
	for _, e := range web.ManagedFields {
		if e.Manager == "kubectl-edit" || e.Manager == object.FieldManager && e.Operation != "Apply" {
			t.Errorf("left in managedFields: %s %s %s", e.Manager, e.Operation, e.FieldsV1.GetRawBytes())
		}
	}
	if len(web.Spec.Template.Spec.Containers) != 1 || web.Spec.Paused || web.Annotations["example.com/by"] != "" {
		t.Errorf("the deployment is %+v", web.Spec)
	}
	w.closed("revert", "spec.replicas", "reverted", "ana")
	w.closed("revert", "spec.paused", "reverted", "ana")

	// The same by policy, without automated sync.
	w.must(w.client.Get(t.Context(), client.ObjectKeyFromObject(app), app))
	next := app.DeepCopy()
	next.Spec.Drift = &v1alpha1.DriftPolicy{Action: "revert", Undeclared: "remove"}
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	w.byHand(at, func(web *appsv1.Deployment) { web.Spec.Replicas, web.Spec.MinReadySeconds = new(int32(7)), 9 })
	w.until("the edit is reverted", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && *web.Spec.Replicas == 2 && web.Spec.MinReadySeconds == 0
	})
	if web.Spec.Template.Spec.Containers[0].Image != "example.com/web:1" {
		t.Error("the policy applied what Git changed")
	}
	w.ask("revert", v1alpha1.SyncOperation{Prune: true})
	w.await("revert", "synced and healthy", good)
	w.must(w.client.Get(t.Context(), at, web))
	if web.Spec.Template.Spec.Containers[0].Image != "example.com/web:2" {
		t.Error("the commit was not applied")
	}
}

// closed holds that the timeline closes a path as wanted.
func (w *world) closed(app, path, how, by string) {
	w.t.Helper()
	all, err := w.history.Drifts(w.t.Context(), history.Query{App: w.namespace + "/" + app, Path: path})
	w.must(err)
	if len(all) == 0 || all[0].How != how || all[0].By != by {
		w.t.Errorf("the timeline of %s reads %+v", path, all)
	}
}

// TestRemoveFromOneVersion: what a removal is told by a real API server: another
// version is a conflict wherever its pointers lead, a refusal is one for each
// value, and one about a Secret quotes nothing.
func TestRemoveFromOneVersion(t *testing.T) {
	t.Parallel()
	c, file := connect(t, "hub")
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kube.Connect("hub", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "remove-"}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns.Name, Name: "s"}, StringData: map[string]string{"a": "hunter2", "b": "x"}}
	if err := c.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	patch := func(version string, pointers ...string) apply.Patch {
		return apply.Patch{APIVersion: "v1", Key: object.Key{Kind: "Secret", Namespace: ns.Name, Name: "s"}, UID: string(secret.UID), Version: version, Pointers: pointers}
	}
	first := secret.ResourceVersion
	dry := patch(first, "/data/b")
	dry.DryRun = true
	if u, err := cluster.Remove(t.Context(), dry); err != nil || u.GetResourceVersion() != first {
		t.Errorf("a dry run: %v", err)
	}
	stored, err := cluster.Remove(t.Context(), patch(first, "/data/b"))
	if err != nil {
		t.Fatal(err)
	}
	now := stored.GetResourceVersion()
	other := patch(now, "/data/a")
	other.UID = "another"
	for name, tc := range map[string]struct {
		patch apply.Patch
		want  fault.Kind
	}{
		"the version before":                       {patch(first, "/data/a"), fault.Conflict},
		"the version before, and nothing is there": {patch(first, "/data/b"), fault.Conflict},
		"another object of the name":               {other, fault.Conflict},
		"nothing is there":                         {patch(now, "/data/b"), fault.Invalid},
		"what cannot change":                       {patch(now, "/metadata/name"), fault.Invalid},
	} {
		_, err := cluster.Remove(t.Context(), tc.patch)
		if err == nil || fault.Of(err) != tc.want || strings.Contains(err.Error(), "aHVudGVyMg") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v (%s), want %s", name, err, fault.Of(err), tc.want)
		}
	}
	gone := patch(now)
	gone.Key.Name = "none"
	if _, err := cluster.Remove(t.Context(), gone); fault.Of(err) != fault.Missing {
		t.Errorf("gone: %v", err)
	}
}
