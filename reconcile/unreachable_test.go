package reconcile

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
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

// usurper changes a live object under our own name, as somebody would who
// applies as trueup.
func usurper(c *memoryCluster, key object.Key, value any, path ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.stored[key].DeepCopy()
	_ = unstructured.SetNestedField(u.Object, value, path...)
	u.SetManagedFields([]metav1.ManagedFieldsEntry{claim(object.FieldManager, 20, `{"f:data":{"f:k":{}}}`)})
	c.next(u)
	c.stored[key] = u
}

// TestWhatHappensUnseenIsDriftAllTheSame: what was known before a sweep, an
// outage, or a read that failed, tells drift under our own name from Git
// having moved on, and between which versions others changed something.
func TestWhatHappensUnseenIsDriftAllTheSame(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	for name, unseen := range map[string]func(t *testing.T, c *faulty, mem *Memory, look, edit func()){
		"before a sweep": func(_ *testing.T, _ *faulty, mem *Memory, _, edit func()) {
			edit()
			mem.Recheck()
		},
		"in an outage": func(_ *testing.T, c *faulty, _ *Memory, look, edit func()) {
			c.silent = &Unreachable{Cluster: "edge", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Err: down}
			look()
			edit()
			c.silent = nil
		},
		"while nothing could be read": func(t *testing.T, c *faulty, mem *Memory, look, edit func()) {
			t.Helper()
			keys := []object.Key{configMap("a"), configMap("b"), widget()}
			for _, key := range keys {
				c.fail(key, fault.Wrap(fault.Transient, down))
			}
			edit()
			mem.distrust(keys...)
			look()
			for _, key := range keys {
				c.fail(key, nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, c, _ := newFaulty(t, threeMaps)
			app, mem := automated(application(nil)), &Memory{}
			app.Spec.SyncPolicy.Automated.SelfHeal = false
			run(t, flow, app, mem)
			before := mem.seen[configMap("b")].version
			unseen(t, c, mem, func() { run(t, flow, app, mem) }, func() {
				usurper(c.memoryCluster, configMap("a"), "x", "data", "k")
				edit(c.memoryCluster, configMap("b"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "x", "data", "k")
			})
			run(t, flow, app, mem)
			var got []string
			for _, change := range app.Status.Drift.Changes {
				got = append(got, change.Name+" "+change.Path+" "+change.Manager)
			}
			if diff := cmp.Diff([]string{"a data.k trueup", "b data.k kubectl-edit"}, got); diff != "" {
				t.Errorf("drift (-want +got):\n%s", diff)
			}
			b := mem.seen[configMap("b")]
			if b.window == nil || b.window.From != before || b.window.To != b.version {
				t.Errorf("it was changed between versions %+v, want from %s to %s", b.window, before, b.version)
			}
		})
	}
}

// TestAnotherConnectionIsReadAnew: what a connection did not see is not taken
// to be as the one before left it, and another cluster is not the same.
func TestAnotherConnectionIsReadAnew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cluster string
		gone    []object.Key
		want    map[string]string // what is not Synced
	}{
		"the same connection":             {gone: []object.Key{configMap("a")}, want: map[string]string{}},
		"other credentials":               {"memory", []object.Key{configMap("a")}, map[string]string{"a": "OutOfSync"}},
		"other credentials, nothing else": {"memory", nil, map[string]string{}},
		"another cluster":                 {"other", []object.Key{configMap("a"), configMap("b"), widget()}, map[string]string{"a": "OutOfSync", "b": "OutOfSync", "w": "OutOfSync"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, c, _ := newFaulty(t, threeMaps)
			app, mem := automated(application(nil)), &Memory{}
			app.Spec.SyncPolicy.Automated.SelfHeal = false
			run(t, flow, app, mem)
			for _, key := range tc.gone { // and no watch tells
				delete(c.stored, key)
			}
			if s, ok := flow.Clusters.(source); ok && tc.cluster != "" {
				another := *s.cluster
				another.Name, s.cluster = tc.cluster, &another
				flow.Clusters = s
			}
			run(t, flow, app, mem)
			got := map[string]string{}
			for _, r := range app.Status.Resources {
				if r.Status != v1alpha1.SyncStatusCodeSynced {
					got[r.Name] = string(r.Status)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("what is not synced (-want +got):\n%s", diff)
			}
			if tc.cluster == "other" {
				for key, s := range mem.seen {
					if s.window != nil {
						t.Errorf("%s is said to have changed between %+v, of which the first is another cluster's", key, s.window)
					}
				}
			}
		})
	}
}
