package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestStatusesWithALog: what the agent saw is told with the user whom a log
// names, unless the agent names one itself.
func TestStatusesWithALog(t *testing.T) {
	t.Parallel()
	edited := scaled("shop", "4", 0)
	at := metav1.NewTime(time.Date(2026, 8, 20, 11, 2, 0, 0, time.UTC))
	c := &edited.Status.Drift.Changes[0]
	c.Manager, c.Time, c.FoundAt = "kubectl-edit", &at, &at
	known := *edited.DeepCopy()
	known.Status.Drift.Changes[0].User = "cleo"
	deleted := *edited.DeepCopy()
	deleted.Status.Drift.Changes[0].Path = ""
	logs := auditLogs{example("diff", "audit.log")}
	for name, tc := range map[string]struct {
		app  v1alpha1.Application
		want string
	}{
		"an edit":             {edited, "live, kubectl-edit by ana@example.com from 10.0.0.7, 2026-08-20 11:02:00"},
		"the agent knows":     {known, "live, kubectl-edit by cleo, 2026"},
		"no deletion is told": {deleted, "deleted from the cluster  shop at"},
	} {
		apps := []v1alpha1.Application{tc.app}
		var notes, out strings.Builder
		if err := logs.statuses(apps, streams{err: &notes}); err != nil || notes.Len() > 0 {
			t.Errorf("%s: %v, %s", name, err, notes.String())
		}
		if err := printDrifts(&out, "text", apps, driftView{printing: printing{times: time.DateTime}, now: noon, details: true}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: %s", name, out.String())
		}
	}
	two := []v1alpha1.Application{scaled("eu-1", "4", 1), scaled("eu-2", "4", 1)}
	var usage usageError
	if err := logs.statuses(two, streams{}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "one cluster") {
		t.Errorf("a log for two clusters: %v", err)
	}
}
