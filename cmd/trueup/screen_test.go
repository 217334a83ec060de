package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

func TestScreen(t *testing.T) {
	t.Parallel()
	play := func(s *screen) {
		s.show("waiting", nil)
		s.show("waiting", nil)
		s.show("syncing", []string{"  web: 0 of 2 pods", "  db: starting"})
		s.show("syncing", []string{"  web: 1 of 2 pods"})
		s.show("synced", nil)
		s.keep()
	}
	times := regexp.MustCompile(`\d\d:\d\d:\d\d`)
	for name, tc := range map[string]struct {
		screen screen
		want   string
	}{
		"a log gets each state once": {screen{}, "T waiting\nT syncing\nT synced\n"},
		"a terminal is drawn over": {screen{live: true, width: 80}, "T waiting\n" +
			"\x1b[1A\x1b[JT waiting\n" +
			"\x1b[1A\x1b[JT syncing\n  web: 0 of 2 pods\n  db: starting\n" +
			"\x1b[3A\x1b[JT syncing\n  web: 1 of 2 pods\n" +
			"\x1b[2A\x1b[JT synced\n"},
		"lines do not wrap": {screen{live: true, width: 12}, "T wa…\n" +
			"\x1b[1A\x1b[JT wa…\n" +
			"\x1b[1A\x1b[JT sy…\n  web: 0 of…\n  db: start…\n" +
			"\x1b[3A\x1b[JT sy…\n  web: 1 of…\n" +
			"\x1b[2A\x1b[JT sy…\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			tc.screen.w = &out
			play(&tc.screen)
			if diff := cmp.Diff(tc.want, times.ReplaceAllString(out.String(), "T")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	app := &v1alpha1.Application{}
	for _, name := range strings.Fields("a b c d e f g h i j") {
		app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Kind: "Deployment", Name: name, Namespace: "n", Health: "Progressing", Message: "0 of 1"})
	}
	app.Status.Resources[0].Health = "Healthy"
	got := waiting(app)
	want := []string{"  Deployment n/b: Progressing, 0 of 1"}
	if diff := cmp.Diff(want, got[:1]); diff != "" || len(got) != maxWaiting+1 || got[maxWaiting] != "  and 1 more" {
		t.Errorf("got %q", got)
	}
}

func TestDriftCode(t *testing.T) {
	t.Parallel()
	app := func(objects int, sync v1alpha1.SyncStatusCode, compared bool) v1alpha1.Application {
		var a v1alpha1.Application
		a.Status.Sync.Status = sync
		if compared {
			a.Status.Drift = &v1alpha1.DriftSummary{Objects: objects}
		}
		return a
	}
	fine, drifted := app(0, v1alpha1.SyncStatusCodeSynced, true), app(1, v1alpha1.SyncStatusCodeOutOfSync, true)
	failed, fresh := app(0, v1alpha1.SyncStatusCodeUnknown, true), app(0, "", false)
	for name, tc := range map[string]struct {
		apps []v1alpha1.Application
		want error
	}{
		"none":                               {nil, nil},
		"all true":                           {[]v1alpha1.Application{fine, fine}, nil},
		"one drifted":                        {[]v1alpha1.Application{fine, drifted}, exitCode(3)},
		"one could not be compared":          {[]v1alpha1.Application{fine, failed}, exitCode(4)},
		"one was never compared":             {[]v1alpha1.Application{fresh, fine}, exitCode(4)},
		"drift weighs more than not knowing": {[]v1alpha1.Application{failed, drifted, fresh}, exitCode(3)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := driftCode(tc.apps); !errors.Is(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestResultsOfASync(t *testing.T) {
	t.Parallel()
	state := &v1alpha1.OperationState{Phase: "Succeeded", SyncResult: &v1alpha1.SyncOperationResult{Resources: []v1alpha1.ResourceResult{
		{Kind: "Namespace", Name: "shop", Status: "Synced"},
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Status: "Failed", Message: "no"},
	}}}
	for output, want := range map[string]string{
		"text": "Synced       Namespace shop\nFailed       Deployment shop/web: no\n",
		"name": "Namespace shop\napps/Deployment shop/web\n",
	} {
		var b strings.Builder
		if err := printResults(&b, output, state); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", output, b.String(), err)
		}
	}
	var b strings.Builder
	if err := printResults(&b, "json", state); err != nil || !strings.Contains(b.String(), `"status": "Failed"`) {
		t.Errorf("json: %s, %v", b.String(), err)
	}
}
