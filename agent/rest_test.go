package agent_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// counted sums the agent's counters, with the labels that matter.
func (w *world) counted() map[string]float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	w.must(err)
	out := map[string]float64{}
	for _, family := range families {
		name := family.GetName()
		for _, m := range family.Metric {
			at := name
			for _, label := range m.Label {
				if label.GetName() == "verb" {
					at += " " + label.GetValue()
				}
			}
			out[at] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

// costs are the counters that do not move at rest.
func (w *world) costs() map[string]float64 {
	all := w.counted()
	maps.DeleteFunc(all, func(name string, _ float64) bool {
		switch name {
		case "trueup_live_reads_total", "trueup_comparisons_total", "trueup_renders_total", "trueup_syncs_total":
			return false
		}
		verb, isRequest := name[max(0, len(name)-6):], len(name) > 29 && name[:29] == "trueup_cluster_requests_total"
		return !isRequest || verb == " watch"
	})
	return all
}

// TestRestCostsNothing: while statuses beat and leases are renewed, no object
// is read, nothing rendered or compared, and no destination is asked anything.
func TestRestCostsNothing(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *agent.Options) { o.Sweep = 0 })
	const apps = 5
	for i := range apps {
		name := fmt.Sprintf("rest-%d", i)
		w.write(name+"/all.yaml", fmt.Sprintf(scaleManifest, i))
	}
	w.commit("Describe applications")
	for i := range apps {
		w.app(fmt.Sprintf("rest-%d", i), fmt.Sprintf("rest-%d", i), nil)
	}
	for i := range apps {
		w.await(fmt.Sprintf("rest-%d", i), "synced and healthy", good)
	}
	lease := parse("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: somebody, namespace: %s}}", w.namespace)
	w.must(w.client.Create(t.Context(), lease))
	w.atRest()
	before, polls := w.costs(), w.counted()["trueup_git_polls_total"]
	for beat := range 10 {
		for i := range apps {
			web := &appsv1.Deployment{}
			w.must(w.client.Get(t.Context(), client.ObjectKey{Namespace: fmt.Sprintf("%s-rest-%d", w.namespace, i), Name: "web"}, web))
			web.Status.Conditions[0].LastUpdateTime = metav1.NewTime(time.Unix(int64(beat), 0))
			w.must(w.client.Status().Update(t.Context(), web))
		}
		w.must(w.client.Update(t.Context(), set(lease, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), "spec", "renewTime")))
		want := polls + 2*float64(beat+1)
		w.until("the agent ticks", func(context.Context) bool { return w.counted()["trueup_git_polls_total"] >= want })
	}
	if diff := cmp.Diff(before, w.costs()); diff != "" {
		t.Errorf("rest has a cost (-before +after):\n%s", diff)
	}
	for _, name := range []string{"trueup_live_reads_total", "trueup_comparisons_total", "trueup_renders_total", "trueup_cluster_requests_total patch"} {
		if before[name] == 0 {
			t.Errorf("%s did not count the first sync", name)
		}
	}
}

// atRest waits until nothing has been counted for some ticks.
func (w *world) atRest() {
	w.t.Helper()
	last, since := w.costs(), w.counted()["trueup_git_polls_total"]
	w.until("nothing is left to do", func(context.Context) bool {
		now, polls := w.costs(), w.counted()["trueup_git_polls_total"]
		if !maps.Equal(last, now) {
			last, since = now, polls
		}
		return polls >= since+10
	})
}

// TestSweepFindsWhatWatchesMissed: an event that never arrives is made up for
// by the next sweep, which the status and a metric tell the age of.
func TestSweepFindsWhatWatchesMissed(t *testing.T) {
	t.Parallel()
	events := &tap{}
	w := start(t, func(o *agent.Options) { o.Config, o.Sweep = events.on(o.Config), 3*time.Second })
	w.write("missed/all.yaml", fmt.Sprintf(scaleManifest, 1))
	w.commit("Describe an application")
	w.app("missed", "missed", func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Automated.SelfHeal = false })
	w.await("missed", "synced and healthy", good)
	events.deaf.Store(true)
	settings := &corev1.ConfigMap{}
	w.must(w.client.Get(t.Context(), client.ObjectKey{Namespace: w.namespace + "-missed", Name: "settings"}, settings))
	settings.Data["number"] = "by hand"
	w.must(w.client.Update(t.Context(), settings))
	w.until("the event is lost", func(context.Context) bool { return events.swallowed.Load() > 0 })
	app := w.await("missed", "drifted", func(a *v1alpha1.Application) bool { return a.Status.Drift != nil && a.Status.Drift.Fields == 1 })
	if app.Status.Drift.VerifiedAt == nil || app.Status.Drift.VerifiedAt.Time.Before(app.CreationTimestamp.Time) {
		t.Errorf("it was verified at %v", app.Status.Drift.VerifiedAt)
	}
	if age, ok := w.counted()["trueup_drift_verified_age_seconds"]; !ok || age < 0 || age > 60 {
		t.Errorf("the verification is %v s old", age)
	}
}
