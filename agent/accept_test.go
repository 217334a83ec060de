package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestAcceptedDrift: on a real API server, self-heal and the next commit leave
// an accepted field alone; when the date has passed it is corrected, and a
// condition, an event and the timeline tell of it.
func TestAcceptedDrift(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write("accepted/web.yaml", scaled)
	w.commit("Add accepted")
	accepted := v1alpha1.DriftAcceptance{
		Group: "apps", Kind: "Deployment", Namespace: w.namespace + "-accepted", Name: "web", Path: "spec.replicas",
		Until: metav1.NewTime(time.Now().Add(time.Hour)), Reason: "load test",
	}
	w.app("accepted", "accepted", func(a *v1alpha1.Application) {
		a.Spec.SyncPolicy.Automated.SelfHeal = true
		a.Spec.Drift = &v1alpha1.DriftPolicy{Accept: []v1alpha1.DriftAcceptance{accepted}}
	})
	w.await("accepted", "synced and healthy", good)
	web := &appsv1.Deployment{}
	at := client.ObjectKey{Namespace: accepted.Namespace, Name: "web"}
	w.must(w.client.Get(t.Context(), at, web))
	web.Spec.Replicas = new(int32(3))
	w.must(w.client.Update(t.Context(), web))
	explained := func(a *v1alpha1.Application) bool {
		return good(a) && slices.ContainsFunc(a.Status.Drift.Rules, func(r v1alpha1.IgnoreRuleStatus) bool {
			return r.Name == reconcile.AcceptanceName(accepted) && r.Fields == 1
		})
	}
	w.await("accepted", "explained", explained)
	w.write("accepted/web.yaml", strings.ReplaceAll(scaled, "web:1", "web:2"))
	w.commit("Use the next image")
	w.until("the image is there", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && web.Spec.Template.Spec.Containers[0].Image == "example.com/web:2"
	})
	app := w.await("accepted", "explained after the sync", explained)
	w.must(w.client.Get(t.Context(), at, web))
	if *web.Spec.Replicas != 3 {
		t.Errorf("replicas are %d after a sync, want those that are accepted", *web.Spec.Replicas)
	}

	// Its date comes.
	next := app.DeepCopy()
	next.Spec.Drift.Accept[0].Until = metav1.NewTime(time.Now().Add(3 * time.Second))
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	w.until("the replicas are Git's again", func(ctx context.Context) bool { return w.client.Get(ctx, at, web) == nil && *web.Spec.Replicas == 2 })
	app = w.await("accepted", "expired", func(a *v1alpha1.Application) bool {
		return apimeta.IsStatusConditionTrue(a.Status.Conditions, reconcile.DriftAcceptanceExpired)
	})
	w.until("an event tells of it", func(ctx context.Context) bool {
		var all corev1.EventList
		return w.client.List(ctx, &all, client.InNamespace(w.namespace)) == nil && slices.ContainsFunc(all.Items, func(e corev1.Event) bool {
			return e.Reason == reconcile.DriftAcceptanceExpired && e.InvolvedObject.Name == app.Name
		})
	})
	drifts, err := w.history.Drifts(t.Context(), history.Query{App: w.namespace + "/*", Kind: "deployment", Path: "spec.replicas"})
	w.must(err)
	if len(drifts) != 2 || drifts[0].Moment != "closed" || drifts[0].How != "reverted" || drifts[0].FoundAt == nil || drifts[1].Moment != "opened" {
		t.Errorf("the timeline reads %+v", drifts)
	}
}
