package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
)

// TestHistory pins what people read about a commit, a hand edit, its
// correction and a sync that failed.
func TestHistory(t *testing.T) {
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
	at := func(second int) time.Time { return time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC) }
	deployment := history.Object{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	note := history.Object{Kind: "ConfigMap", Namespace: "shop", Name: "note"}
	since := at(19)
	edit := history.Drift{App: "trueup/shop", At: at(20), Object: deployment, State: "Modified", Path: "spec.replicas", Desired: "2", Live: "4",
		Manager: "kubectl-edit", Operation: "Update", Since: &since}
	image := edit
	image.Path, image.Desired, image.Live = "spec.template.spec.containers[name=web].image", `"web:1.4"`, `"web:debug"`
	gone := history.Drift{App: "trueup/shop", At: at(20), Object: note, State: "Missing"}
	back := history.Drift{App: "trueup/shop", At: at(31), Object: deployment, Path: "spec.replicas", Cleared: true}
	noteBack := history.Drift{App: "trueup/shop", At: at(31), Object: note, Cleared: true}
	for _, err := range []error{
		store.AddRun(t.Context(), history.Run{App: "trueup/shop", Revision: "4f2c1ab0123", Subject: "Release web 1.4", Author: "Ana", Started: at(1), Finished: at(2),
			Phase: "Succeeded", Reason: "new revision", Automated: true, Changes: []history.Change{{Object: deployment, Action: "create", Status: "Synced"}, {Object: note, Action: "create", Status: "Synced"}}}),
		store.AddDrift(t.Context(), []history.Drift{edit, image, gone}),
		store.AddRun(t.Context(), history.Run{App: "trueup/shop", Revision: "4f2c1ab0123", Subject: "Release web 1.4", Author: "Ana", Started: at(30), Finished: at(31),
			Phase: "Succeeded", Initiator: "ben", Changes: []history.Change{{Object: deployment, Action: "update", Status: "Synced"}, {Object: note, Action: "create", Status: "Synced"}}}),
		store.AddDrift(t.Context(), []history.Drift{back, noteBack}),
		store.AddRun(t.Context(), history.Run{App: "trueup/shop", Revision: "9e8d7c60123", Subject: "Drop the note", Author: "Ben", Started: at(40), Finished: at(41),
			Phase: "Failed", Message: "apply Deployment shop/web: spec.replicas: must be a number", Reason: "new revision", Automated: true,
			Changes: []history.Change{{Object: deployment, Action: "update", Status: "Failed", Message: "no"}, {Object: note, Action: "prune", Status: "Pruned"}}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range map[string][]string{"history": nil, "history-json": {"-o", "json"}, "history-limit": {"--limit", "1"}} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"history", "shop", "--server", server.URL}, args...)...)
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
		{[]string{"history", "other", "--server", server.URL}, exitOK, "nothing has happened that is remembered"},
		{[]string{"history", "shop", "--server", "localhost"}, exitError, "is not an address such as http://127.0.0.1:8082"},
		{[]string{"history", "shop", "--server", server.URL, "--limit", "0"}, exitUsage, "--limit must be from 1 to 1000"},
	} {
		if code, _, stderr := call(t, tc.args...); code != tc.code || !strings.Contains(stderr, tc.says) {
			t.Errorf("%v: exit code %d, standard error %s", tc.args, code, stderr)
		}
	}
}
