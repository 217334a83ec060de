package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
)

// TestDriftHistory pins the timeline of two applications, and what picks from it.
func TestDriftHistory(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web.Handler(store))
	t.Cleanup(func() {
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	at := func(second int) *time.Time { return new(noon.Add(time.Duration(second) * time.Second)) }
	web := history.Object{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	note := history.Object{Kind: "ConfigMap", Namespace: "shop", Name: "note"}
	opened := history.Drift{App: "trueup/shop", At: *at(20), Object: web, State: "Modified", Path: "spec.replicas", Desired: "2", Live: "4", Manager: "kubectl-edit",
		Operation: "Update", Since: at(19), Moment: "opened", FoundAt: at(20)}
	changed, closed := opened, opened
	changed.At, changed.Moment, changed.Live = *at(25), "changed", "5"
	closed.At, closed.Moment, closed.Live, closed.Cleared, closed.How, closed.By = *at(31), "closed", "5", true, "reverted", "ben"
	late := opened
	late.At, late.Moment = *at(40), "blamed"
	late.Audit = []audit.Actor{{User: "ana@example.com", Addresses: []string{"10.0.0.7"}, Manager: "kubectl-edit"}}
	cut := history.Drift{App: "trueup/shop", At: *at(50), Object: web, State: "Modified", Path: "metadata.labels.team", Desired: `"shop"`, Moment: "opened", FoundAt: at(50),
		Trace: &ownership.Trace{After: *at(45), Before: *at(49), Managers: []string{"helm", "kubectl-edit"}}}
	gone := history.Drift{App: "trueup/eu-1", At: *at(22), Object: note, State: "Missing", Moment: "opened", FoundAt: at(22)}
	caughtUp := history.Drift{App: "trueup/eu-1", At: *at(400), Object: note, Moment: "closed", Cleared: true, How: "git", By: "Ana", FoundAt: at(22)}
	if err := store.AddDrift(t.Context(), []history.Drift{opened, gone, changed, closed, late, cut, caughtUp}); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"drift-history": nil, "drift-history-json": {"shop", "-o", "json", "--limit", "1"}, "drift-history-object": {"--object", "configmap/note"},
		"drift-history-user": {"--user", "ana@example.com"},
		"drift-history-path": {"shop", "--path", "spec", "--manager", "kubectl-edit", "--since", "876000h"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"drift", "history", "--server", server.URL}, args...)...)
			if code != exitOK {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			golden.File(t, filepath.Join("testdata", name+".golden"), stdout)
		})
	}
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--since", "1h"}, exitOK, "no drift is remembered that fits"},
		{[]string{"--object", "web"}, exitUsage, "want KIND/NAME"},
		{[]string{"--limit", "0"}, exitUsage, "--limit must be from 1 to 1000"},
		{[]string{"--since", "-1h"}, exitUsage, "is no time that has passed"},
	} {
		if code, _, stderr := call(t, append([]string{"drift", "history", "--server", server.URL}, tc.args...)...); code != tc.code || !strings.Contains(stderr, tc.says) {
			t.Errorf("%v: exit code %d, standard error %s", tc.args, code, stderr)
		}
	}
}

// TestOpenMoments holds what a status tells where the agent is not asked.
func TestOpenMoments(t *testing.T) {
	t.Parallel()
	app := scaled("shop", "4", 1)
	found := metav1.NewTime(noon)
	app.Status.Drift.Changes[0].FoundAt = &found
	for _, tc := range []struct {
		q    history.Query
		want int
	}{
		{history.Query{}, 1},
		{history.Query{Kind: "deployment", Name: "web", Path: "spec", Manager: "kubectl", Since: noon}, 1},
		{history.Query{Path: "spec.replica"}, 0},
		{history.Query{Since: noon.Add(time.Second)}, 0},
		{history.Query{Name: "other"}, 0},
		{history.Query{Manager: "other"}, 0},
	} {
		if diff := cmp.Diff(tc.want, len(openMoments(&app, tc.q))); diff != "" {
			t.Errorf("%+v: %s", tc.q, diff)
		}
	}
}
