package apply

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// removal is a step that takes a and b away, and applies where told to.
func removal(applies bool) plan.Step {
	s := step(plan.Update, "Service", "web", 0)
	s.UID, s.Version, s.APIVersion = "uid", "7", "v1"
	s.Remove = []revert.Removal{{Pointer: "/b", Paths: []string{"b"}}, {Pointer: "/a", Paths: []string{"a", "a.x"}}}
	if !applies {
		s.Object = nil
	}
	return s
}

func TestRemove(t *testing.T) {
	t.Parallel()
	invalid, conflict := fault.New(fault.Invalid, "a is immutable"), fault.New(fault.Conflict, "it changed")
	const both, a, b = "remove web /b /a", "remove web /a", "remove web /b"
	for reason, tc := range map[string]struct {
		applies bool
		fail    map[string]error
		calls   []string
		status  Status
		refused []string
		changed bool
		errs    string
	}{
		"all at once":                   {calls: []string{both}, status: Synced},
		"before what is applied":        {applies: true, calls: []string{both, "apply web"}, status: Synced},
		"what is refused is found":      {fail: map[string]error{both: invalid, "try web /a": invalid}, calls: []string{both, "try web /b", "try web /a", b}, status: Synced, refused: []string{"a", "a.x"}},
		"refused, and the rest applies": {applies: true, fail: map[string]error{both: invalid, "try web /a": invalid}, calls: []string{both, "try web /b", "try web /a", b, "apply web"}, status: Synced, refused: []string{"a", "a.x"}},
		"each would do, and not both":   {fail: map[string]error{both: invalid}, calls: []string{both, "try web /b", "try web /a", both}, status: Synced, refused: []string{"a", "a.x", "b"}},
		"denied is refused":             {fail: map[string]error{both: fault.New(fault.Denied, "no"), "try web /a": invalid, "try web /b": invalid}, calls: []string{both, "try web /b", "try web /a"}, status: Synced, refused: []string{"a", "a.x", "b"}},
		"another version":               {fail: map[string]error{both: conflict}, calls: []string{both}, status: Synced, changed: true},
		"another version meanwhile":     {fail: map[string]error{both: invalid, "try web /b": conflict}, calls: []string{both, "try web /b"}, status: Synced, changed: true},
		"gone":                          {fail: map[string]error{both: fault.New(fault.Missing, "gone")}, calls: []string{both}, status: Synced, changed: true},
		"the server is down":            {fail: map[string]error{both: errors.New("refused")}, calls: []string{both}, status: Failed, errs: "update Service shop/web: remove fields: refused"},
		"it goes down":                  {fail: map[string]error{both: invalid, "try web /a": errors.New("refused")}, calls: []string{both, "try web /b", "try web /a"}, status: Failed, errs: "update Service shop/web: refused"},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			m := &memory{fail: tc.fail}
			r := Execute(t.Context(), m, plan.Plan{Steps: []plan.Step{removal(tc.applies)}}, Options{})
			if diff := cmp.Diff(tc.calls, m.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			e := r.Entries[0]
			if e.Status != tc.status || e.Changed != tc.changed {
				t.Errorf("status %s, changed %v", e.Status, e.Changed)
			}
			var refused []string
			for _, path := range []string{"a", "a.x", "b"} {
				if e.Refused[path] != "" {
					refused = append(refused, path)
				}
			}
			if tc.status == Synced {
				if diff := cmp.Diff(tc.refused, refused); diff != "" {
					t.Errorf("refused (-want +got):\n%s", diff)
				}
			}
			got := ""
			if r.Err() != nil {
				got = r.Err().Error()
			}
			if got != tc.errs {
				t.Errorf("error %q, want %q", got, tc.errs)
			}
		})
	}
}

func TestNothingIsRemovedFromAnUnknownVersion(t *testing.T) {
	t.Parallel()
	s := removal(true)
	s.Version = ""
	m := &memory{}
	r := Execute(t.Context(), m, plan.Plan{Steps: []plan.Step{s}}, Options{})
	if len(m.calls) > 0 || r.Err() == nil || !strings.Contains(r.Err().Error(), "does not name the version") {
		t.Errorf("calls %q, %v", m.calls, r.Err())
	}
	s.Version = "7"
	if r := Execute(t.Context(), m, plan.Plan{Steps: []plan.Step{s}}, Options{DryRun: true}); len(m.calls) > 0 || r.Count(Synced) != 1 {
		t.Errorf("a dry run calls %q", m.calls)
	}
}
