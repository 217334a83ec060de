package agent_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/heat"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/reconcile"
)

// scale keeps replicas at n, as another controller would, until it is told to
// stop. It tells how often it had to write.
func (w *world) scale(at client.ObjectKey, n int32) (writes *atomic.Int64, stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	writes, done := &atomic.Int64{}, make(chan struct{})
	go func() {
		defer close(done)
		_ = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			web := &appsv1.Deployment{}
			if w.client.Get(ctx, at, web) != nil || *web.Spec.Replicas == n {
				return false, nil
			}
			web.Spec.Replicas = &n
			if w.client.Update(ctx, web, client.FieldOwner("other-scaler")) == nil {
				writes.Add(1)
			}
			return false, nil
		})
	}()
	stop = func() { cancel(); <-done }
	w.t.Cleanup(stop)
	return writes, stop
}

// byHand changes a deployment as a person with kubectl.
func (w *world) byHand(at client.ObjectKey, change func(*appsv1.Deployment)) {
	w.t.Helper()
	web := &appsv1.Deployment{}
	w.must(w.client.Get(w.t.Context(), at, web))
	old := web.DeepCopy()
	change(web)
	w.must(w.client.Patch(w.t.Context(), web, client.MergeFrom(old)))
}

// healings counts the syncs that corrected drift.
func (w *world) healings(app string) int {
	w.t.Helper()
	runs, err := w.history.Runs(w.t.Context(), history.Query{App: w.namespace + "/" + app})
	w.must(err)
	n := 0
	for _, r := range runs {
		if r.Reason == "live state has drifted" {
			n++
		}
	}
	return n
}

// TestFight: somebody else sets replicas as often as self-heal does. After a
// few rounds the field is left to the other, everybody is told, the rest of
// the object stays corrected, another agent knows of it, and when the other has
// gone and the heat with it, the field is corrected again.
func TestFight(t *testing.T) {
	t.Parallel()
	settings := heat.Settings{HalfLife: 20 * time.Second, Threshold: 3}
	w := start(t, func(o *agent.Options) { o.Fights = settings })
	w.write("fought/web.yaml", scaled)
	w.commit("Add fought")
	w.app("fought", "fought", nil)
	w.await("fought", "synced and healthy", good)
	web, at := &appsv1.Deployment{}, client.ObjectKey{Namespace: w.namespace + "-fought", Name: "web"}
	writes, stop := w.scale(at, 5)
	fought := func(a *v1alpha1.Application) bool { return len(a.Status.Drift.Fights) == 1 }
	app := w.await("fought", "fought over", fought)
	fight := app.Status.Drift.Fights[0]
	if fight.Path != "spec.replicas" || fight.Manager != "other-scaler" || string(fight.Live.Raw) != "5" || fight.Corrections != int64(settings.Threshold) {
		t.Errorf("the fight reads %+v", fight)
	}
	if !says(reconcile.DriftFight, "trueup sets 2, other-scaler sets 5")(app) {
		t.Errorf("conditions %+v", app.Status.Conditions)
	}
	var rule struct {
		IgnoreDifferences []v1alpha1.ResourceIgnoreDifferences `json:"ignoreDifferences"`
	}
	w.must(yaml.UnmarshalStrict([]byte(fight.Rule), &rule))
	before, healed := writes.Load(), w.healings("fought")
	if before > int64(settings.Threshold)+1 || healed != settings.Threshold {
		t.Errorf("the other wrote %d times, and %d syncs corrected it", before, healed)
	}

	// Another agent, another edit: the rest is corrected, the fight goes on.
	w.restart()
	w.byHand(at, func(web *appsv1.Deployment) { web.Spec.Template.Spec.Containers[0].Image = "example.com/debug:1" })
	w.until("the image is corrected", func(ctx context.Context) bool {
		return w.client.Get(ctx, at, web) == nil && web.Spec.Template.Spec.Containers[0].Image == "example.com/web:1"
	})
	app = w.await("fought", "fought over still", fought)
	if *web.Spec.Replicas != 5 || writes.Load() != before || w.healings("fought") != healed+1 || !app.Status.Drift.Fights[0].Since.Equal(&fight.Since) {
		t.Errorf("replicas %d, the other wrote %d times more, %d syncs, %+v", *web.Spec.Replicas, writes.Load()-before, w.healings("fought")-healed, app.Status.Drift.Fights[0])
	}
	// The metric is told from the agent's cache, which may lag.
	w.until("the fight is counted", func(context.Context) bool { return w.gauge("trueup_drift_fights", "fought") == 1 })

	// The other goes; so does the heat.
	stop()
	app = w.await("fought", "true again", func(a *v1alpha1.Application) bool { return good(a) && len(a.Status.Drift.Fights) == 0 })
	w.must(w.client.Get(t.Context(), at, web))
	if *web.Spec.Replicas != 2 || time.Now().Before(fight.Until.Add(-2*time.Second)) {
		t.Errorf("replicas %d, before %s", *web.Spec.Replicas, fight.Until)
	}

	// The rule that was proposed ends it for good.
	next := app.DeepCopy()
	next.Spec.IgnoreDifferences = rule.IgnoreDifferences
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	w.await("fought", "aware of the rule", func(a *v1alpha1.Application) bool { return len(a.Status.Drift.Rules) == 1 })
	writes, _ = w.scale(at, 6)
	w.await("fought", "in sync by the rule", func(a *v1alpha1.Application) bool {
		return good(a) && writes.Load() == 1 && a.Status.Drift.Rules[0].Fields == 1 && strings.HasPrefix(a.Status.Drift.Rules[0].Name, "ignoreDifferences")
	})
}
