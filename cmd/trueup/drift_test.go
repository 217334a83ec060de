package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// scaled is an application whose replicas were set by hand some hours before
// noon.
func scaled(name, replicas string, hours int) v1alpha1.Application {
	var app v1alpha1.Application
	app.Name, app.Namespace = name, "trueup"
	app.Spec.Destination = v1alpha1.ApplicationDestination{Name: "cluster-" + name, Namespace: "shop"}
	app.Status.Sync = v1alpha1.SyncStatus{Status: v1alpha1.SyncStatusCodeOutOfSync, Revision: "4f2c1ab0123"}
	at := metav1.NewTime(noon.Add(-time.Duration(hours) * time.Hour))
	app.Status.Drift = &v1alpha1.DriftSummary{Objects: 1, Fields: 1, Since: &at, By: []string{"kubectl"}, Changes: []v1alpha1.DriftChange{{
		Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", Path: "spec.replicas", Class: "declared", Manager: "kubectl", Time: &at,
		Desired: &apiextensionsv1.JSON{Raw: []byte("2")}, Live: &apiextensionsv1.JSON{Raw: []byte(replicas)},
	}}}
	return app
}

// TestAlikeIsShownOnce holds the table and the details of a fleet.
func TestAlikeIsShownOnce(t *testing.T) {
	t.Parallel()
	fleet := []v1alpha1.Application{scaled("eu-1", "4", 1), scaled("eu-2", "4", 1), scaled("eu-3", "4", 1), scaled("eu-4", "4", 1), scaled("eu-7", "5", 2)}
	for name, tc := range map[string]struct {
		apps    []v1alpha1.Application
		details bool
		want    string
	}{
		"a table has a row for each way to differ": {fleet, false, `
APP                        CLUSTER       DRIFT                SINCE  BY
eu-7                       cluster-eu-7  1 field in 1 object  120m   kubectl
eu-1, eu-2, eu-3 and 1 more  cluster-eu-1  1 field in 1 object  60m    kubectl
4 identical; eu-7 differs
0 without drift · 5 drifted · 0 not compared
next: trueup drift eu-1
`},
		"details are told once": {fleet[2:], true, `
~ Deployment shop/web  eu-7 at git 4f2c1ab
    spec.replicas
      - 2  git
      + 5  live, kubectl, 2026-03-01 10:00:00

the same in eu-3, eu-4
~ Deployment shop/web  eu-3 at git 4f2c1ab
    spec.replicas
      - 2  git
      + 4  live, kubectl, 2026-03-01 11:00:00

2 identical; eu-7 differs
0 without drift · 3 drifted · 0 not compared
next: trueup sync eu-3 --drifted
`},
	} {
		var b strings.Builder
		if err := printDrifts(&b, "text", tc.apps, driftView{printing: printing{times: time.DateTime}, now: noon, details: tc.details}); err != nil {
			t.Fatal(err)
		}
		squeeze := func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
		}
		if diff := cmp.Diff(squeeze(strings.TrimPrefix(tc.want, "\n")), squeeze(b.String())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// cutOff is an application in a cluster that does not tell any more what
// happens in it.
func cutOff(app v1alpha1.Application) v1alpha1.Application {
	app.Status.Sync.Status = v1alpha1.SyncStatusCodeUnknown
	app.Status.Conditions = []metav1.Condition{{
		Type: "ComparisonError", Status: "True", Reason: "ClusterUnreachable",
		Message: "cluster edge is unreachable since 2026-03-01 11:03:00 UTC, and what is told of it is as of then: connection refused",
	}}
	return app
}

// TestUnknownIsNotInSync: what was so once is shown with the reason why nobody
// knows it now, and does not count as drift or as none.
func TestUnknownIsNotInSync(t *testing.T) {
	t.Parallel()
	clean := scaled("eu-2", "4", 1)
	clean.Status.Drift = &v1alpha1.DriftSummary{}
	for name, tc := range map[string]struct {
		apps []v1alpha1.Application
		want string
		code error
	}{
		"one with drift, one without": {[]v1alpha1.Application{cutOff(scaled("eu-1", "4", 1)), cutOff(clean)}, `
? eu-1, eu-2  cluster edge is unreachable since 2026-03-01 11:03:00 UTC, and what is told of it is as of then: connection refused
APP   CLUSTER       DRIFT                SINCE  BY
eu-1  cluster-eu-1  1 field in 1 object  60m    kubectl
0 without drift · 0 drifted · 2 not compared
next: trueup drift eu-1
`, exitCode(exitIncomplete)},
		"beside one that drifted now": {[]v1alpha1.Application{cutOff(clean), scaled("eu-3", "5", 1)}, `
? eu-2  cluster edge is unreachable since 2026-03-01 11:03:00 UTC, and what is told of it is as of then: connection refused
APP   CLUSTER       DRIFT                SINCE  BY
eu-3  cluster-eu-3  1 field in 1 object  60m    kubectl
0 without drift · 1 drifted · 1 not compared
next: trueup drift eu-3
`, exitCode(exitDrift)},
		"changed by a clock that is ahead": {[]v1alpha1.Application{scaled("eu-3", "5", -1)}, `
APP   CLUSTER       DRIFT                SINCE  BY
eu-3  cluster-eu-3  1 field in 1 object  0s     kubectl
0 without drift · 1 drifted · 0 not compared
next: trueup drift eu-3
`, exitCode(exitDrift)},
	} {
		var b strings.Builder
		if err := printDrifts(&b, "text", tc.apps, driftView{printing: printing{times: time.DateTime}, now: noon}); err != nil {
			t.Fatal(err)
		}
		squeeze := func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
		}
		if diff := cmp.Diff(squeeze(strings.TrimPrefix(tc.want, "\n")), squeeze(b.String())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got := driftCode(tc.apps); !errors.Is(got, tc.code) {
			t.Errorf("%s: it exits with %v, want %v", name, got, tc.code)
		}
	}
}

// TestRecent holds what --since leaves: what was made, or found, lately.
func TestRecent(t *testing.T) {
	t.Parallel()
	found := metav1.NewTime(noon.Add(-time.Minute))
	deleted := v1alpha1.DriftChange{Kind: "ConfigMap", Namespace: "shop", Name: "c", FoundAt: &found}
	for name, tc := range map[string]struct {
		app             v1alpha1.Application
		objects, fields int
	}{
		"made before": {scaled("a", "4", 2), 0, 0},
		"made after":  {scaled("a", "4", 0), 1, 1},
		"a deletion has no time of its own": {func() v1alpha1.Application {
			app := scaled("a", "4", 2)
			app.Status.Drift.Changes = append(app.Status.Drift.Changes, deleted)
			app.Status.Drift.Objects = 2
			return app
		}(), 1, 0},
	} {
		recent(&tc.app, noon.Add(-time.Hour))
		if d := tc.app.Status.Drift; d.Objects != tc.objects || d.Fields != tc.fields {
			t.Errorf("%s: %d objects, %d fields", name, d.Objects, d.Fields)
		}
	}
}

// TestDriftTellsWhoDeclaredIt: under the field, and under an object that is
// gone; nobody's words move a cursor.
func TestDriftTellsWhoDeclaredIt(t *testing.T) {
	t.Parallel()
	app := scaled("shop", "4", 1)
	at := metav1.NewTime(noon.AddDate(0, 0, -1))
	by := v1alpha1.DriftDeclaration{File: "apps/web.yaml", Line: 31, Precision: "line", Commit: "3f2a91c0000", Author: "Ana\x1b[2J", Subject: "Scale web to 2", Time: &at}
	app.Status.Drift.Changes[0].DeclaredBy = &by
	gone := by
	gone.Line, gone.Author = 1, "Ben"
	app.Status.Drift.Changes = append(app.Status.Drift.Changes, v1alpha1.DriftChange{Kind: "ConfigMap", Namespace: "shop", Name: "c", Class: "declared", DeclaredBy: &gone})
	var b strings.Builder
	v := driftView{printing: printing{times: time.DateTime}, now: noon, details: true}
	if err := printDrifts(&b, "text", []v1alpha1.Application{app}, v); err != nil {
		t.Fatal(err)
	}
	const want = `~ Deployment shop/web  shop at git 4f2c1ab
    spec.replicas
      - 2  git
      + 4  live, kubectl, 2026-03-01 11:00:00
      declared in apps/web.yaml:31 by Ana\x1b[2J (3f2a91c, 2026-02-28 "Scale web to 2")

+ ConfigMap shop/c  in Git, and deleted from the cluster  shop at git 4f2c1ab
    declared in apps/web.yaml:1 by Ben (3f2a91c, 2026-02-28 "Scale web to 2")
`
	if got := b.String(); !strings.HasPrefix(got, want) {
		t.Errorf("(-want +got)\n%s", cmp.Diff(want, got))
	}
}
