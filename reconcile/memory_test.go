package reconcile

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestNoticeTellsHowUrgentAnEventIs: an edit is looked at at once, another
// health in a moment, and a heartbeat or what is known already never.
func TestNoticeTellsHowUrgentAnEventIs(t *testing.T) {
	t.Parallel()
	entry := func(manager, operation, subresource, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	ours := entry(object.FieldManager, "Apply", "", `{"f:spec":{"f:replicas":{}}}`)
	status := entry("kube-controller-manager", "Update", "status", `{"f:status":{"f:replicas":{}}}`)
	byHand := entry("kubectl-edit", "Update", "", `{"f:spec":{"f:replicas":{}}}`)
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	config := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "web"}
	unknown := object.Key{Kind: "Secret", Namespace: "shop", Name: "x"}
	// whole is the Deployment with as many replicas asked for and available.
	whole := func(version string, replicas, available int64, entries ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
		u := liveAt(web, version, entries...)
		u.Object["spec"] = map[string]any{"replicas": replicas}
		is := "True"
		if available < replicas {
			is = "False"
		}
		u.Object["status"] = map[string]any{"observedGeneration": int64(1), "conditions": []any{map[string]any{"type": "Available", "status": is}}, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": available, "availableReplicas": available}
		return u
	}
	sight := func(u *unstructured.Unstructured) Sighting { return WholeSightingOf(web, u) }
	older := whole("8", 1, 1, ours)
	older.SetAPIVersion("apps/v1beta2")
	edited := whole("8", 2, 1, ours, byHand)
	edited.SetAPIVersion("apps/v1beta2")
	deleting := whole("8", 1, 1, ours)
	deleting.SetDeletionTimestamp(&metav1.Time{})
	for _, tc := range []struct {
		reason     string
		s          Sighting
		want, busy Urgency
	}{
		{"the very version that we compared", sight(whole("7", 1, 1, ours)), Never, Never},
		{"an older one, late", sight(whole("6", 2, 1, ours, byHand)), Never, Never},
		{"a heartbeat", sight(whole("8", 1, 1, ours, status)), Never, Soon},
		{"a health that moved", sight(whole("8", 1, 0, ours, status)), Soon, Soon},
		{"an edit", sight(whole("8", 2, 1, ours, byHand)), Now, Now},
		{"a value that changed with nobody's claim", sight(whole("8", 0, 0, ours)), Now, Now},
		{"a claim that came with no value", sight(whole("8", 1, 1, ours, byHand)), Now, Now},
		{"a deletion that waits", sight(deleting), Now, Now},
		{"a deletion", Sighting{Key: web, Version: "8", Gone: true}, Now, Now},
		{"the form of another API version", sight(older), Never, Never},
		{"an edit in that form", sight(edited), Now, Now},
		{"the version that we compared of what has no status", SightingOf(config, liveAt(config, "7", ours)), Never, Never},
		{"a new version of what has no status", SightingOf(config, liveAt(config, "8", ours)), Now, Now},
		{"an object that nobody knows", SightingOf(unknown, liveAt(unknown, "1", ours)), Now, Now},
		{"its deletion", Sighting{Key: unknown, Gone: true}, Never, Soon},
	} {
		for _, busy := range []bool{false, true} {
			m := &Memory{busy: busy}
			m.remember(seen{desired: "hash", verdict: inSync(web)}, whole("7", 1, 1, ours))
			m.remember(seen{desired: "hash", verdict: inSync(config)}, liveAt(config, "7", ours))
			want := tc.want
			if busy {
				want = tc.busy
			}
			if got := m.Notice(tc.s); got != want {
				t.Errorf("%s, busy %t: got %d, want %d", tc.reason, busy, got, want)
			}
		}
	}
}

// TestARevertDuringALookIsSeen: what was read in the middle of a change and
// its undoing is read again, although the last sighting is like the first.
func TestARevertDuringALookIsSeen(t *testing.T) {
	t.Parallel()
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	at := func(version string, replicas int64) *unstructured.Unstructured {
		u := liveAt(web, version)
		u.Object["spec"] = map[string]any{"replicas": replicas}
		return u
	}
	m, hashes := &Memory{}, map[object.Key]string{web: "hash"}
	m.remember(seen{desired: "hash", verdict: inSync(web)}, at("5", 1))
	m.Notice(WholeSightingOf(web, at("7", 2)))
	m.looks()
	if got := m.stale(hashes); len(got) != 1 {
		t.Fatalf("%v is stale, want the Deployment", got)
	}
	if got := m.Notice(WholeSightingOf(web, at("8", 1))); got == Never {
		t.Error("nobody looks at what came during a look")
	}
	m.remember(seen{desired: "hash", verdict: inSync(web)}, at("7", 2))
	m.rests()
	if got := m.stale(hashes); len(got) != 1 {
		t.Errorf("%v is stale, want the Deployment, which was read too early", got)
	}
}

// TestHealthFollowsTheWatch: a status is taken from the watch, and the verdict
// stays.
func TestHealthFollowsTheWatch(t *testing.T) {
	t.Parallel()
	key := object.Key{Kind: "Pod", Namespace: "shop", Name: "web"}
	pod := func(version, phase string) *unstructured.Unstructured {
		u := liveAt(key, version)
		u.Object["status"] = map[string]any{"phase": phase}
		return u
	}
	m, hashes := &Memory{}, map[object.Key]string{key: "hash"}
	m.remember(seen{desired: "hash", verdict: inSync(key)}, pod("5", "Pending"))
	if got := m.Notice(WholeSightingOf(key, pod("6", "Failed"))); got != Soon {
		t.Errorf("a pod that failed is urgency %d, want %d", got, Soon)
	}
	if got := m.stale(hashes); len(got) != 0 {
		t.Errorf("%v is read again for its status", got)
	}
	if got := m.snapshot()[key]; got.health.Status != health.Degraded || got.version != "6" {
		t.Errorf("the pod is %v at version %s, want Degraded at 6", got.health, got.version)
	}
}

func liveAt(key object.Key, version string, entries ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion("v1")
	if key.Group != "" {
		u.SetAPIVersion(key.Group + "/v1")
	}
	u.SetKind(key.Kind)
	u.SetNamespace(key.Namespace)
	u.SetName(key.Name)
	u.SetResourceVersion(version)
	u.SetManagedFields(entries)
	return u
}

func inSync(key object.Key) drift.Object {
	return drift.Object{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, State: drift.InSync}
}
