package drift

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestCorpus: shapes of widely used charts, and one object of each kind that
// Kubernetes stores, recorded from a control plane after a first sync and when
// its controllers had settled. Nothing in them is a difference but what a rule
// explains. The agent's TestCorpus holds the same data against a live control
// plane, and records it anew with -update.
func TestCorpus(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, name := range archives(t, filepath.Join("corpus", "*.txtar")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			freshlySynced(t, Input{Desired: objects(t, archive, "desired.yaml"), Live: objects(t, archive, "live.json"), Schemas: set})
			// Without managedFields, as a backup or another tool hands objects out.
			bare := objects(t, archive, "live.json")
			for _, u := range bare {
				u.SetManagedFields(nil)
			}
			freshlySynced(t, Input{Desired: objects(t, archive, "desired.yaml"), Live: bare, Schemas: set})
		})
	}
}

// freshlySynced fails the test for each difference that no rule explains.
func freshlySynced(t *testing.T, in Input) {
	t.Helper()
	report := Compare(in)
	if len(report.Objects) != len(in.Desired) {
		t.Errorf("%d objects in the report, %d desired", len(report.Objects), len(in.Desired))
	}
	for _, o := range report.Objects {
		if o.State != InSync {
			t.Errorf("%s is %s", o.Key(), o.State)
		}
		for _, f := range o.Fields {
			if f.Class != Expected {
				t.Errorf("%s: %s is %s: %v, live %v", o.Key(), f.Path, f.Class, f.Desired, f.Live)
			}
		}
	}
}
