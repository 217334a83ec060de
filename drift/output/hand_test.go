package output_test

import (
	"testing"
	"time"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/output"
	"github.com/trueup-dev/trueup/drift/ownership"
)

func TestHand(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)
	trace := func(days int, managers ...string) *ownership.Trace {
		return &ownership.Trace{After: noon, Before: noon.AddDate(0, 0, days).Add(2 * time.Second), Managers: managers}
	}
	ana, ben := audit.Actor{User: "ana@example.com", Addresses: []string{"10.0.0.7"}, Manager: "kubectl-edit"}, audit.Actor{User: "ben"}
	for _, tc := range []struct {
		field drift.Field
		want  string
	}{
		{drift.Field{}, "nobody is known to own it"},
		{drift.Field{Manager: "helm"}, "helm"},
		{drift.Field{Manager: "kubectl", Subresource: "scale"}, "kubectl (scale)"},
		{drift.Field{Manager: "kubectl-edit", Audit: []audit.Actor{ana}}, "kubectl-edit by ana@example.com from 10.0.0.7"},
		{drift.Field{Manager: "kubectl-edit", Audit: []audit.Actor{ana, ben}}, "kubectl-edit by one of ana@example.com from 10.0.0.7, ben"},
		{drift.Field{Audit: []audit.Actor{ana}, Trace: trace(0)}, "kubectl-edit by ana@example.com from 10.0.0.7"},
		{drift.Field{Audit: []audit.Actor{ana, ben}}, "by one of ana@example.com from 10.0.0.7, ben"},
		{drift.Field{Trace: trace(0)}, "removed between 2026-03-01 12:00:05 and 12:00:07, nobody is known to have done it"},
		{drift.Field{Trace: trace(0, "kubectl-edit")}, "removed between 2026-03-01 12:00:05 and 12:00:07; kubectl-edit wrote then"},
		{drift.Field{Live: 0, Trace: trace(1, "a", "b", "c\x1b[2J")}, `changed between 2026-03-01 12:00:05 and 2026-03-02 12:00:07; a, b and c\x1b[2J wrote then`},
		{drift.Field{Manager: "kubectl", Audit: []audit.Actor{{User: "a\x1b[2J"}}}, `kubectl by a\x1b[2J`},
	} {
		if got := output.Hand(tc.field); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}
