package main

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// vague is an application of which one object could not be compared.
func vague(status v1alpha1.SyncStatusCode) v1alpha1.Application {
	app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	app.Status.Sync.Status, app.Status.Drift = status, &v1alpha1.DriftSummary{}
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Kind: "ConfigMap", Namespace: "shop", Name: "c", Status: v1alpha1.SyncStatusCodeSynced},
		{Group: "example.com", Kind: "Widget", Namespace: "shop", Name: "w", Status: v1alpha1.SyncStatusCodeUnknown, Message: "it cannot be read: forbidden"},
	}
	return app
}

// TestWhatCouldNotBeComparedHasAnExitCode: 4, unless something differs as well.
func TestWhatCouldNotBeComparedHasAnExitCode(t *testing.T) {
	t.Parallel()
	inSync := vague(v1alpha1.SyncStatusCodeSynced)
	inSync.Status.Resources = inSync.Status.Resources[:1]
	for _, tc := range []struct {
		reason string
		apps   []v1alpha1.Application
		want   int
	}{
		{"everything is in sync", []v1alpha1.Application{inSync}, 0},
		{"one object is unknown", []v1alpha1.Application{inSync, vague(v1alpha1.SyncStatusCodeUnknown)}, exitIncomplete},
		{"so it is where Git moved on", []v1alpha1.Application{vague(v1alpha1.SyncStatusCodeOutOfSync)}, exitIncomplete},
		{"drift says more", []v1alpha1.Application{vague(v1alpha1.SyncStatusCodeUnknown), scaled("eu-1", "4", 1)}, exitDrift},
	} {
		if got := codeOf(driftCode(tc.apps)); got != tc.want {
			t.Errorf("drift, %s: exits with %d, want %d", tc.reason, got, tc.want)
		}
	}
	unknown := drift.NotCompared(object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "c"}, "it cannot be read: forbidden")
	missing := drift.Object{Kind: "Secret", Namespace: "shop", Name: "s", State: drift.Missing, Fields: []drift.Field{}}
	for _, tc := range []struct {
		objects []drift.Object
		want    int
	}{{nil, 0}, {[]drift.Object{unknown}, exitIncomplete}, {[]drift.Object{unknown, missing}, exitDrift}, {[]drift.Object{missing, unknown}, exitDrift}} {
		var out strings.Builder
		err := showReport(drift.Report{Objects: tc.objects}, diffOptions{output: "text"}, "shop", streams{out: &out, err: &out})
		if got := codeOf(err); got != tc.want {
			t.Errorf("diff of %d objects exits with %d, want %d", len(tc.objects), got, tc.want)
		}
		if len(tc.objects) > 0 && !strings.Contains(out.String(), "ConfigMap shop/c  could not be compared\n    (it cannot be read: forbidden)\n") {
			t.Errorf("diff prints\n%s", out.String())
		}
	}
}

func codeOf(err error) int {
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	return 0
}

// TestDriftNamesWhatCouldNotBeCompared in the text and in every other output.
func TestDriftNamesWhatCouldNotBeCompared(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json", "markdown", "junit", "sarif", "github"} {
		var b strings.Builder
		if err := printDrifts(&b, format, []v1alpha1.Application{vague(v1alpha1.SyncStatusCodeUnknown)}, driftView{now: noon}); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); format != "markdown" && !strings.Contains(text, "forbidden") || !strings.Contains(text, "not compared") && format != "json" {
			t.Errorf("%s says\n%s", format, text)
		}
	}
}
