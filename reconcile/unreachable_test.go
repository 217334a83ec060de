package reconcile

import (
	"errors"
	"testing"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestASilentClusterIsReadAgain: what happened while a cluster told nothing is
// found by the first look at it, although no event tells of it, and what was
// open stays so until then.
func TestASilentClusterIsReadAgain(t *testing.T) {
	t.Parallel()
	flow, c, events := newFaulty(t, threeMaps)
	app, mem := automated(application(nil)), &Memory{}
	app.Spec.SyncPolicy.Automated.SelfHeal = false
	run(t, flow, app, mem)
	edit(c.memoryCluster, configMap("a"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "x", "data", "k")
	mem.distrust(configMap("a"))
	run(t, flow, app, mem)
	c.silent = &Unreachable{Cluster: "edge", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Err: errors.New("connection refused")}
	run(t, flow, app, mem)
	if cond := apimeta.FindStatusCondition(app.Status.Conditions, ComparisonError); app.Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown || cond == nil || cond.Reason != ClusterUnreachable {
		t.Errorf("the status is %s, with %+v", app.Status.Sync.Status, cond)
	}
	if len(events.events) != 1 || app.Status.Drift.Fields != 1 {
		t.Errorf("while nothing is known, %d moments are told and %d fields are open, want one of each", len(events.events), app.Status.Drift.Fields)
	}
	edit(c.memoryCluster, configMap("b"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "x", "data", "k")
	c.silent = nil
	run(t, flow, app, mem)
	if app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync || app.Status.Drift.Fields != 2 || len(events.events) != 2 {
		t.Errorf("it is %s with %d fields after %d moments, want OutOfSync with 2 after 2", app.Status.Sync.Status, app.Status.Drift.Fields, len(events.events))
	}
}
