package ownership

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// held is what managedFields hold after a write.
type held = []metav1.ManagedFieldsEntry

func claimOf(manager, subresource string, second int, fields string) metav1.ManagedFieldsEntry {
	e := metav1.ManagedFieldsEntry{Manager: manager, Operation: "Update", Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields)}
	if manager == "trueup" {
		e.Operation = "Apply"
	}
	if second >= 0 {
		at := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC))
		e.Time = &at
	}
	return e
}

func TestTraces(t *testing.T) {
	t.Parallel()
	const both, one = `{"f:spec":{"f:replicas":{},"f:paused":{}}}`, `{"f:spec":{"f:replicas":{}}}`
	ours, less := claimOf("trueup", "", 0, both), claimOf("trueup", "", 0, one)
	first := held{ours, claimOf("helm", "", 1, `{"f:a":{}}`), claimOf("kube-controller-manager", "status", 2, `{"f:status":{}}`), claimOf("kubectl", "scale", -1, one)}
	with := func(changes map[int]metav1.ManagedFieldsEntry, more ...metav1.ManagedFieldsEntry) held {
		out := append(held{}, first...)
		for i, e := range changes {
			out[i] = e
		}
		return append(out, more...)
	}
	for _, tc := range []struct {
		reason   string
		versions []held
		want     []string
		own      bool
	}{
		{"who only removes a field leaves no mark", []held{with(map[int]metav1.ManagedFieldsEntry{0: less})}, nil, true},
		{"one appeared", []held{with(map[int]metav1.ManagedFieldsEntry{0: less}, claimOf("kubectl-edit", "", 5, `{"f:b":{}}`))}, []string{"kubectl-edit"}, true},
		{"one wrote again", []held{with(map[int]metav1.ManagedFieldsEntry{0: less, 1: claimOf("helm", "", 5, `{"f:a":{}}`)})}, []string{"helm"}, true},
		{"one that only lost fields did not write", []held{with(map[int]metav1.ManagedFieldsEntry{0: less, 1: claimOf("helm", "", 1, `{}`)})}, nil, true},
		{"a status removes nothing else", []held{with(map[int]metav1.ManagedFieldsEntry{0: less, 2: claimOf("kube-controller-manager", "status", 9, `{"f:status":{}}`)})}, nil, true},
		{"kubectl scale has no time", []held{with(map[int]metav1.ManagedFieldsEntry{0: less, 3: claimOf("kubectl", "scale", -1, both)})}, []string{"kubectl (scale)"}, true},
		{"two in one step", []held{with(map[int]metav1.ManagedFieldsEntry{0: less, 1: claimOf("helm", "", 5, `{}`)}, claimOf("kubectl-edit", "", 5, `{}`))}, []string{"helm", "kubectl-edit"}, true},
		{"a controller that answers in the next step is left out", []held{
			with(map[int]metav1.ManagedFieldsEntry{0: less}),
			with(map[int]metav1.ManagedFieldsEntry{0: less}, claimOf("kube-controller-manager", "", 6, `{"f:x":{}}`)),
		}, nil, true},
		{"without a change of ours every writer counts", []held{with(nil, claimOf("kubectl-edit", "", 5, `{}`)), with(nil, claimOf("kubectl-edit", "", 5, `{}`), claimOf("helm2", "", 6, `{}`))},
			[]string{"helm2", "kubectl-edit"}, false},
		{"an entry of its own for each API version", []held{with(nil, claimOf("helm", "", 0, `{}`))}, nil, false},
	} {
		var steps []Step
		prev := Fingerprint(first, "trueup")
		for i, v := range tc.versions {
			next := Fingerprint(v, "trueup")
			s := StepBetween(prev, next)
			s.After, s.At = time.Unix(int64(i), 0), time.Unix(int64(i)+1, 0)
			steps, prev = append(steps, s), next
		}
		got := TraceOf(steps)
		if diff := cmp.Diff(tc.want, got.Managers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if _, last, own := OwnSteps(steps); own != tc.own || own && !got.Before.Equal(last.At) {
			t.Errorf("%s: own %v until %v, told until %v", tc.reason, own, last.At, got.Before)
		}
	}
	if TraceOf(nil) != nil {
		t.Error("no steps leave a trace")
	}
	if got := Fingerprint(first, "trueup").Latest; got.Second() != 1 {
		t.Errorf("the last write was at %v", got)
	}
}
