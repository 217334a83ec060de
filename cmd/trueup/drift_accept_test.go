package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-03-01":           "2026-03-01T23:59:59Z", // today, to its end
		"2026-12-01":           "2026-12-01T23:59:59Z",
		"2026-03-01T14:00:00Z": "2026-03-01T14:00:00Z",
		"7d":                   "2026-03-08T12:00:00Z",
		"12h":                  "2026-03-02T00:00:00Z",
		"2026-02-28":           "has passed",
		"-1h":                  "has passed",
		"0d":                   "has passed",
		"xd":                   "no number of days",
		"":                     "want a day such as",
		"tomorrow":             "want a day such as",
	} {
		at, err := deadline(text, noon)
		got := at.Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	app := scaled("shop", "4", 1)
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		{Kind: "ConfigMap", Namespace: "a", Name: "c"}, {Kind: "ConfigMap", Namespace: "b", Name: "c"}, {Kind: "Namespace", Name: "shop"},
	}
	for text, want := range map[string]string{
		"deployment/web": "apps/Deployment shop/web", "ConfigMap/b/c": "ConfigMap b/c", "Namespace/shop": "Namespace shop",
		"ConfigMap/c": `"ConfigMap/c" is one of ConfigMap a/c, ConfigMap b/c`, "Deployment/other": "it has no object", "web": "it has no object",
	} {
		key, err := subject(&app, text)
		got := key.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if key := (object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}); !differs(&app, key, "spec.replicas") || differs(&app, key, "spec") {
		t.Error("what differs is not told")
	}
}

// TestAcceptSaysAllThatIsWrong holds that nothing is asked of a cluster then.
func TestAcceptSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	code, _, stderr := call(t, "drift", "accept", "shop", "--until", "2020-01-01", "--kubeconfig", "/nowhere")
	for _, want := range []string{"--object KIND/NAME is required", "--path PATH is required", "--reason TEXT is required", "has passed"} {
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d without %q: %s", code, want, stderr)
		}
	}
}

// TestAcceptedList pins what --accepted shows.
func TestAcceptedList(t *testing.T) {
	t.Parallel()
	app := scaled("shop", "4", 1)
	one := v1alpha1.DriftAcceptance{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Path: "spec.replicas",
		Until: metav1.NewTime(noon.AddDate(0, 0, 7)), Reason: "load\ntest"}
	old := one
	old.Path, old.Until, old.Reason = "spec.paused", metav1.NewTime(noon), ""
	app.Spec.Drift = &v1alpha1.DriftPolicy{Accept: []v1alpha1.DriftAcceptance{one, old}}
	app.Status.Drift.Rules = []v1alpha1.IgnoreRuleStatus{{Name: reconcile.AcceptanceName(one), Fields: 1}}
	var b strings.Builder
	if err := printAccepted(&b, "text", []v1alpha1.Application{app}, noon); err != nil {
		t.Fatal(err)
	}
	want := `APP   OBJECT               PATH           UNTIL                           EXPLAINS  REASON
shop  Deployment shop/web  spec.paused    2026-03-01 12:00 UTC (expired)  0         -
shop  Deployment shop/web  spec.replicas  2026-03-08 12:00 UTC            1         "load\ntest"
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := printAcceptances(&b, []v1alpha1.DriftAcceptance{one}); err != nil {
		t.Fatal(err)
	}
	want = `spec:
  drift:
    accept:
    - group: apps
      kind: Deployment
      name: web
      namespace: shop
      path: spec.replicas
      reason: |-
        load
        test
      until: "2026-03-08T12:00:00Z"
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
