package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestStatusAndDiffAreOneComparison: whatever lives in the cluster, an
// application is OutOfSync exactly if the diff has something that a sync would
// act on, Unknown exactly if nothing but what could not be compared is in the
// way, and each object's status is the diff's.
func TestStatusAndDiffAreOneComparison(t *testing.T) {
	t.Parallel()
	told := map[v1alpha1.SyncStatusCode]int{}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		flow, c, app := somewhere(t, r)
		status := flow.Run(t.Context(), app, &Memory{}).Status
		report, err := flow.Compare(t.Context(), app, "")
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want := v1alpha1.SyncStatusCodeSynced
		for _, o := range report.Objects {
			each := v1alpha1.SyncStatusCodeOutOfSync
			switch o.State {
			case drift.InSync:
				each = v1alpha1.SyncStatusCodeSynced
			case drift.Unknown:
				each = v1alpha1.SyncStatusCodeUnknown
			case drift.Modified, drift.Missing, drift.Extra, drift.Orphaned:
			}
			if each == v1alpha1.SyncStatusCodeOutOfSync || each == v1alpha1.SyncStatusCodeUnknown && want == v1alpha1.SyncStatusCodeSynced {
				want = each
			}
			if toSync := slices.ContainsFunc(o.Fields, drift.Field.ToSync); toSync != (o.State == drift.Modified) {
				t.Fatalf("seed %d: %s is %s with %+v", seed, o.Key(), o.State, o.Fields)
			}
			if got := statusOf(&v1alpha1.Application{Status: status}, o.Key()); got.Status != each {
				t.Fatalf("seed %d: the diff has %s %s, the status %+v", seed, o.State, o.Key(), got)
			}
		}
		if status.Sync.Status != want || len(status.Resources) != len(report.Objects) {
			t.Fatalf("seed %d: the status is %s, and the diff makes it %s: %+v", seed, status.Sync.Status, want, report.Objects)
		}
		if c.writes != 0 {
			t.Fatalf("seed %d: looking wrote", seed)
		}
		told[want]++
	}
	for _, code := range []v1alpha1.SyncStatusCode{v1alpha1.SyncStatusCodeSynced, v1alpha1.SyncStatusCodeOutOfSync, v1alpha1.SyncStatusCodeUnknown} {
		if told[code] == 0 {
			t.Errorf("no case is %s: %v", code, told)
		}
	}
}

// somewhere is an application of a few objects in a cluster where some of them
// are edited, gone, left over or unreadable.
func somewhere(t *testing.T, r *rand.Rand) (*Flow, *faulty, *v1alpha1.Application) {
	t.Helper()
	var manifests []string
	for i := range 1 + r.IntN(4) {
		manifests = append(manifests, fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d, namespace: shop}, data: {a: "%d", b: "x"}}`, i, r.IntN(2)))
	}
	flow, c, _ := newFaulty(t, strings.Join(manifests, "\n---\n"))
	put(t, c.memoryCluster, strings.Join(manifests, "\n---\n"))
	for _, key := range objectsIn(c) {
		switch r.IntN(12) {
		case 0:
			delete(c.stored, key)
		case 1:
			c.fail(key, fault.New(fault.Denied, "forbidden"))
		case 2, 3:
			manager := []string{"kubectl-edit", object.FieldManager, "kube-controller-manager"}[r.IntN(3)]
			u := c.stored[key]
			_ = unstructured.SetNestedField(u.Object, fmt.Sprint(r.IntN(3)), "data", []string{"a", "b", "added"}[r.IntN(3)])
			u.SetManagedFields([]metav1.ManagedFieldsEntry{{
				Manager: manager, Operation: []metav1.ManagedFieldsOperationType{"Apply", "Update"}[r.IntN(2)], FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:a":{},"f:added":{}}}`),
			}})
		}
	}
	if r.IntN(8) == 0 {
		put(t, c.memoryCluster, `{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: shop}}`)
	}
	app := application(nil)
	if r.IntN(2) == 0 {
		app.Spec.IgnoreDifferences = []v1alpha1.ResourceIgnoreDifferences{{Kind: "ConfigMap", JSONPointers: []string{"/data/a"}}}
	}
	return flow, c, app
}

func objectsIn(c *faulty) []object.Key {
	var out []object.Key
	for key := range c.stored {
		out = append(out, key)
	}
	slices.SortFunc(out, object.Key.Compare)
	return out
}
