package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
)

// TestExitOfStates: what a sync would act on makes diff exit with 3; what nobody
// tracks does not.
func TestExitOfStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[drift.State]int{
		drift.InSync: 0, drift.Orphaned: 0, drift.Modified: exitDrift, drift.Missing: exitDrift, drift.Extra: exitDrift,
	} {
		report := drift.Report{Objects: []drift.Object{{Kind: "ConfigMap", Namespace: "shop", Name: "a", State: state}}}
		var out bytes.Buffer
		err := showReport(report, diffOptions{output: "text", all: true}, "shop", streams{out: &out, err: &out})
		var code exitCode
		if errors.As(err, &code); int(code) != want {
			t.Errorf("%s exits with %d, want %d: %v", state, code, want, err)
		}
		if !strings.Contains(out.String(), "ConfigMap shop/a") {
			t.Errorf("%s is not shown: %s", state, out.String())
		}
	}
}

func TestPrintOrphaned(t *testing.T) {
	t.Parallel()
	app := v1alpha1.Application{}
	app.Name = "shop"
	app.Status.Drift = &v1alpha1.DriftSummary{Orphaned: &v1alpha1.OrphanedSummary{
		Count: 3, Unlisted: []string{"Widget.example.com: forbidden"},
		Objects: []v1alpha1.OrphanedObject{{Kind: "ConfigMap", Namespace: "shop", Name: "notes"}, {Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "debug"}},
	}}
	other := v1alpha1.Application{}
	other.Name, other.Status.Drift = "other", &v1alpha1.DriftSummary{}
	for name, tc := range map[string]struct {
		output string
		apps   []v1alpha1.Application
		want   string
	}{
		"a list": {"text", []v1alpha1.Application{app, other}, "APP   ORPHANED\nshop  ConfigMap shop/notes\nshop  apps/Deployment shop/debug\nshop  1 more\n" +
			"shop: not looked at: Widget.example.com: forbidden\n3 orphaned: no sync touches them\n"},
		"nobody asks":               {"text", []v1alpha1.Application{other}, "no project of these applications asks for it: spec.orphanedResources\n"},
		"nobody asks, for programs": {"json", []v1alpha1.Application{other}, "[]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := printOrphaned(&b, tc.output, tc.apps); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
