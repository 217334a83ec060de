package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/reconcile"
)

// outOfSync is an application whose web differs and whose old is left over,
// and that nobody is known to have changed.
func outOfSync(change func(app *v1alpha1.Application)) v1alpha1.Application {
	app := scaled("eu-1", "4", 1)
	app.Status.Drift = &v1alpha1.DriftSummary{}
	app.Status.Sync.Digest = "d2"
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Kind: "ConfigMap", Namespace: "shop", Name: "fine", Status: v1alpha1.SyncStatusCodeSynced},
		{Kind: "ConfigMap", Namespace: "shop", Name: "old", Status: v1alpha1.SyncStatusCodeOutOfSync, Message: reconcile.NotInGit},
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Status: v1alpha1.SyncStatusCodeOutOfSync},
	}
	app.Status.OperationState = &v1alpha1.OperationState{Phase: "Succeeded", SyncResult: &v1alpha1.SyncOperationResult{Digest: "d2", Resources: []v1alpha1.ResourceResult{
		{Kind: "ConfigMap", Namespace: "shop", Name: "old", Status: "PruneSkipped"},
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Status: "Synced"},
	}}}
	if change != nil {
		change(&app)
	}
	return app
}

// TestOutOfSyncIsTold: what a sync left differs, whoever made it; a commit
// that waits for its sync is no drift, and is told all the same.
func TestOutOfSyncIsTold(t *testing.T) {
	t.Parallel()
	const waits = `
eu-1: not synced: 2 objects, and no hand is known to have changed that: trueup diff eu-1
1 without drift (1 not synced) · 0 drifted · 0 not compared
`
	for name, tc := range map[string]struct {
		change  func(app *v1alpha1.Application)
		summary bool
		want    string
		code    error
	}{
		"a sync left both": {nil, false, `
- ConfigMap shop/old  live, not in Git: a sync with prune deletes it

~ Deployment shop/web
    (a sync of it did not make it what Git says: trueup diff shows what differs)

0 without drift · 1 drifted · 0 not compared
next: trueup sync eu-1 --prune deletes what Git has no more
`, exitCode(exitDrift)},
		"in a table": {nil, true, `
APP   CLUSTER       DRIFT                                                    SINCE  BY
eu-1  cluster-eu-1  1 object not in Git any more, 1 object that a sync left  -      -
0 without drift · 1 drifted · 0 not compared
next: trueup drift eu-1
`, exitCode(exitDrift)},
		"Git has moved on": {func(app *v1alpha1.Application) { app.Status.Sync.Digest = "d3" }, false, waits, nil},
		"no sync yet":      {func(app *v1alpha1.Application) { app.Status.OperationState = nil }, false, waits, nil},
		"a dry run":        {func(app *v1alpha1.Application) { app.Status.OperationState.Message = "dry run: nothing was changed" }, false, waits, nil},
		"it failed":        {func(app *v1alpha1.Application) { app.Status.OperationState.Phase = "Failed" }, false, waits, nil},
		"it waits, in a table": {func(app *v1alpha1.Application) { app.Status.OperationState = nil }, true, `
1 without drift (1 not synced) · 0 drifted · 0 not compared
`, nil},
		"a sync of one object": {func(app *v1alpha1.Application) {
			app.Status.OperationState.SyncResult.Resources = app.Status.OperationState.SyncResult.Resources[1:]
		}, false, `
~ Deployment shop/web
    (a sync of it did not make it what Git says: trueup diff shows what differs)

eu-1: not synced: 1 object, and no hand is known to have changed that: trueup diff eu-1
0 without drift · 1 drifted · 0 not compared
next: trueup diff eu-1
`, exitCode(exitDrift)},
		"automation that does not prune": {func(app *v1alpha1.Application) {
			app.Status.OperationState, app.Status.Resources = nil, app.Status.Resources[:2]
			app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
		}, false, `
- ConfigMap shop/old  live, not in Git: a sync with prune deletes it

0 without drift · 1 drifted · 0 not compared
next: trueup sync eu-1 --prune deletes what Git has no more
`, exitCode(exitDrift)},
		"automation that prunes": {func(app *v1alpha1.Application) {
			app.Status.OperationState = nil
			app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: true}}
		}, false, waits, nil},
		"objects that do not count": {func(app *v1alpha1.Application) {
			app.Status.Sync.Status, app.Status.Resources = v1alpha1.SyncStatusCodeSynced, app.Status.Resources[:2]
		}, false, `
1 without drift · 0 drifted · 0 not compared
`, nil},
		"drift that --since leaves out": {func(app *v1alpha1.Application) {
			app.Status.Drift = scaled("eu-1", "4", 48).Status.Drift
			app.Status.Resources = app.Status.Resources[2:]
			recent(app, noon.Add(-24*time.Hour))
		}, false, `
1 without drift · 0 drifted · 0 not compared
`, nil},
	} {
		apps := []v1alpha1.Application{outOfSync(tc.change)}
		var b strings.Builder
		if err := printDrifts(&b, "text", apps, driftView{printing: printing{times: time.DateTime}, now: noon, details: !tc.summary}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := driftCode(apps); !errors.Is(got, tc.code) {
			t.Errorf("%s: it exits with %v, want %v", name, got, tc.code)
		}
	}
}

// TestNeverCompared: of an application that nobody looked at yet nobody can say
// that nothing drifted, and it is told why.
func TestNeverCompared(t *testing.T) {
	t.Parallel()
	fresh := v1alpha1.Application{}
	fresh.Name = "new"
	begun := *fresh.DeepCopy()
	begun.Name, begun.Status.Sync.Status = "begun", v1alpha1.SyncStatusCodeUnknown
	apps := []v1alpha1.Application{fresh, begun}
	var b strings.Builder
	if err := printDrifts(&b, "text", apps, driftView{}); err != nil {
		t.Fatal(err)
	}
	const want = `? new, begun  it was not compared yet
0 without drift · 0 drifted · 2 not compared
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(error(exitCode(exitIncomplete)), driftCode(apps)); diff != "" {
		t.Errorf("the exit code (-want +got):\n%s", diff)
	}
}
