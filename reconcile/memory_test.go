package reconcile

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// TestNoticeTellsHowUrgentAnEventIs: an edit is looked at at once, a status
// that moves in a moment, and what is known already never.
func TestNoticeTellsHowUrgentAnEventIs(t *testing.T) {
	t.Parallel()
	ours := metav1.ManagedFieldsEntry{Manager: object.FieldManager, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)}
	status := metav1.ManagedFieldsEntry{Manager: "kube-controller-manager", Operation: "Update", Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:replicas":{}}}`)}
	byHand := metav1.ManagedFieldsEntry{Manager: "kubectl-edit", Operation: "Update", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)}
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	config := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "web"}
	mark := func(entries ...metav1.ManagedFieldsEntry) drift.Mark {
		return drift.Fingerprint(entries, object.FieldManager)
	}
	for _, tc := range []struct {
		reason string
		s      Sighting
		want   Urgency
	}{
		{"the very version that we compared", Sighting{Key: web, Version: "7", Mark: mark(ours)}, Never},
		{"an older one, late", Sighting{Key: web, Version: "6", Mark: mark(ours, byHand)}, Never},
		{"a status that moved", Sighting{Key: web, Version: "8", Mark: mark(ours, status)}, Soon},
		{"an edit", Sighting{Key: web, Version: "8", Mark: mark(ours, byHand)}, Now},
		{"a deletion", Sighting{Key: web, Version: "8", Gone: true}, Now},
		{"a new version of what has no status", Sighting{Key: config, Version: "8", Mark: mark(ours)}, Never},
		{"an object that nobody knows", Sighting{Key: object.Key{Kind: "Secret", Namespace: "shop", Name: "x"}, Version: "1", Mark: mark(ours)}, Now},
		{"its deletion", Sighting{Key: object.Key{Kind: "Secret", Namespace: "shop", Name: "x"}, Gone: true}, Never},
	} {
		m := &Memory{}
		for _, key := range []object.Key{web, config} {
			live := &unstructured.Unstructured{Object: map[string]any{}}
			live.SetAPIVersion("v1")
			if key.Group != "" {
				live.SetAPIVersion(key.Group + "/v1")
			}
			live.SetKind(key.Kind)
			live.SetNamespace(key.Namespace)
			live.SetName(key.Name)
			live.SetResourceVersion("7")
			live.SetManagedFields([]metav1.ManagedFieldsEntry{ours})
			verdict := drift.Object{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, State: drift.InSync}
			m.remember(seen{desired: "hash", verdict: verdict}, live)
		}
		if got := m.Notice(tc.s); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.reason, got, tc.want)
		}
	}
}
