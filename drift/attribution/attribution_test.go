package attribution_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/attribution"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

func at(second int) time.Time { return time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC) }

// requests of ana at second 5, of ben at 50 and a deletion by cleo at 9.
func requests(key object.Key) []audit.Event {
	event := func(user, verb string, second int) audit.Event {
		return audit.Event{Ref: audit.RefOf(key), Verb: verb, User: user, Manager: "kubectl-edit", Received: at(second), Done: at(second)}
	}
	return []audit.Event{event("ana", "patch", 5), event("ben", "patch", 50), event("cleo", "delete", 9)}
}

func TestReport(t *testing.T) {
	t.Parallel()
	five := at(5)
	field := func(class drift.Class, manager string) drift.Field {
		f := drift.Field{Path: "data.x", Class: class, Manager: manager}
		if manager != "" {
			f.Time = &five
		}
		return f
	}
	r := drift.Report{Objects: []drift.Object{
		{Kind: "ConfigMap", Name: "a", State: drift.Modified, Fields: []drift.Field{
			field(drift.Declared, "kubectl-edit"), field(drift.Undeclared, "kubectl-edit"), field(drift.Declared, ""), field(drift.Expected, "kubectl-edit"),
			field(drift.Removed, ""), field(drift.Declared, "helm"),
		}},
		{Kind: "ConfigMap", Name: "b", State: drift.Missing}, {Kind: "ConfigMap", Name: "c", State: drift.Extra},
	}}
	attribution.Report(&r, requests)
	var got []string
	for _, o := range r.Objects {
		got = append(got, o.Name+" "+audit.Text(o.Audit))
		for _, f := range o.Fields {
			got = append(got, string(f.Class)+" "+audit.Text(f.Audit))
		}
	}
	want := []string{"a ", "declared ana", "undeclared ana", "declared one of ben, ana", "expected ", "removed ", "declared ", "b cleo", "c "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	five, six := metav1.NewTime(at(5)), metav1.NewTime(at(6))
	for _, tc := range []struct {
		reason string
		change v1alpha1.DriftChange
		want   string
	}{
		{"an edit", v1alpha1.DriftChange{Path: "data.x", Class: "declared", Manager: "kubectl-edit", Time: &five}, "ana"},
		{"nobody owns it: not one after it was found", v1alpha1.DriftChange{Path: "data.x", Class: "declared", FoundAt: &six}, "ana"},
		{"a deletion", v1alpha1.DriftChange{}, "cleo"},
		{"a deletion after it was found", v1alpha1.DriftChange{FoundAt: &five}, ""},
		{"the agent knows", v1alpha1.DriftChange{Path: "data.x", DriftActor: v1alpha1.DriftActor{User: "dan"}}, "dan"},
	} {
		tc.change.Kind, tc.change.Name = "ConfigMap", "a"
		attribution.Change(&tc.change, requests)
		if got := audit.Text(audit.Shown(tc.change)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.reason, got, tc.want)
		}
	}
}
