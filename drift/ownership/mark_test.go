package ownership

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type entry struct {
	manager, operation, subresource, fields string
	minute                                  int
}

func entries(list ...entry) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, e := range list {
		at := metav1.NewTime(time.Date(2026, 8, 20, 9, e.minute, 0, 0, time.UTC))
		fields := &metav1.FieldsV1{}
		fields.SetRawBytes([]byte(e.fields))
		out = append(out, metav1.ManagedFieldsEntry{
			Manager: e.manager, Operation: metav1.ManagedFieldsOperationType(e.operation), Subresource: e.subresource,
			Time: &at, FieldsV1: fields,
		})
	}
	return out
}

func TestSuspicious(t *testing.T) {
	t.Parallel()
	ours := entry{"trueup", "Apply", "", `{"f:spec":{"f:replicas":{},"f:template":{"f:image":{}}}}`, 0}
	status := entry{"kube-controller-manager", "Update", "status", `{"f:metadata":{"f:annotations":{".":{},"f:rev":{}}},"f:status":{"f:ready":{}}}`, 0}
	with := func(e entry, change func(*entry)) entry { change(&e); return e }
	label := entry{"kubectl-label", "Update", "", `{"f:metadata":{"f:labels":{"f:x":{}}}}`, 1}
	tests := map[string]struct {
		before, after []entry
		want          bool
	}{
		"nothing happened":                          {[]entry{ours, status}, []entry{ours, status}, false},
		"entries in another order":                  {[]entry{ours, status}, []entry{status, ours}, false},
		"keys printed in another order":             {[]entry{ours}, []entry{with(ours, func(e *entry) { e.fields = `{"f:spec":{"f:template":{"f:image":{}},"f:replicas":{}}}` })}, false},
		"we applied the same again":                 {[]entry{ours}, []entry{with(ours, func(e *entry) { e.minute = 9 })}, false},
		"a status heartbeat":                        {[]entry{ours, status}, []entry{ours, with(status, func(e *entry) { e.minute = 9 })}, false},
		"a new status field":                        {[]entry{ours, status}, []entry{ours, with(status, func(e *entry) { e.fields = e.fields[:len(e.fields)-2] + `,"f:x":{}}}` })}, false},
		"a status write that adds an annotation":    {[]entry{ours, status}, []entry{ours, with(status, func(e *entry) { e.fields = `{"f:metadata":{"f:annotations":{"f:y":{}}}}` })}, true},
		"we lost a field":                           {[]entry{ours}, []entry{with(ours, func(e *entry) { e.fields = `{"f:spec":{"f:replicas":{}}}` })}, true},
		"managedFields were reset":                  {[]entry{ours}, []entry{{"before-first-apply", "Update", "", ours.fields, 5}}, true},
		"everything is gone":                        {[]entry{ours}, nil, true},
		"somebody adds a label":                     {[]entry{ours}, []entry{ours, label}, true},
		"somebody writes that label again":          {[]entry{ours, label}, []entry{ours, with(label, func(e *entry) { e.minute = 5 })}, true},
		"the added label is gone":                   {[]entry{ours, label}, []entry{ours}, true},
		"somebody applies a field of ours as well":  {[]entry{ours}, []entry{ours, {"argocd", "Apply", "", `{"f:spec":{"f:replicas":{}}}`, 5}}, true},
		"somebody claims what is below our field":   {[]entry{ours}, []entry{ours, {"x", "Apply", "", `{"f:spec":{"f:replicas":{"f:y":{}}}}`, 5}}, true},
		"our name is used for an update":            {[]entry{ours}, []entry{ours, {"trueup", "Update", "", `{"f:spec":{"f:replicas":{}}}`, 5}}, true},
		"malformed fields of a stranger claim none": {[]entry{ours}, []entry{ours, {"x", "Update", "", `[`, 5}}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := Fingerprint(entries(tc.before...), "trueup"), Fingerprint(entries(tc.after...), "trueup")
			if got := after.Suspicious(before); got != tc.want {
				t.Errorf("Suspicious = %v, want %v\nbefore %+v\nafter %+v", got, tc.want, before, after)
			}
		})
	}
	if !Fingerprint(entries(ours), "trueup").Suspicious(Mark{}) {
		t.Error("an object that was never looked at is not suspicious")
	}
}

func TestFingerprintTellsClaims(t *testing.T) {
	t.Parallel()
	mark := Fingerprint(entries(
		entry{"trueup", "Apply", "", `{"f:spec":{"f:replicas":{}}}`, 0},
		entry{"a", "Update", "", `{"f:spec":{"f:replicas":{}}}`, 0},
		entry{"b", "Update", "", `{"f:spec":{"f:paused":{}}}`, 0},
		entry{"c", "Update", "status", `{"f:status":{"f:x":{}}}`, 0},
	), "trueup")
	type flags struct{ under, adds bool }
	want := map[string]flags{"a": {true, false}, "b": {false, true}, "c": {}}
	for _, f := range mark.Foreign {
		if got := (flags{f.Under, f.Adds}); got != want[f.Manager] {
			t.Errorf("%s: %+v, want %+v", f.Manager, got, want[f.Manager])
		}
	}
	if mark.Own[:3] != "v1:" {
		t.Errorf("the hash %q has no version", mark.Own)
	}
}
