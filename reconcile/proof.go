package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/apply"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// What became of a field that somebody else changed.
const (
	fieldReverted     = "Reverted"
	fieldRemoved      = "Removed"
	fieldRefused      = "Refused"
	fieldNotConverged = "NotConverged"
	fieldPlanned      = "Planned"
)

// maxChanged bounds how often a removal is tried in one run while others keep
// changing the object.
const maxChanged = 5

// again is the wait before what did not converge is tried once more.
const again = 5 * time.Second

// count notes what a round tried, and that somebody else's work was undone.
func (s *session) count(p plan.Plan, result apply.Result) {
	entries := map[object.Key]apply.Entry{}
	for _, e := range result.Entries {
		if e.Status == apply.Synced {
			entries[e.Key] = e
		}
	}
	for _, step := range p.Steps {
		e, done := entries[step.Key]
		if !done || step.Deferred || step.Action != plan.Create && step.Action != plan.Update {
			continue
		}
		if step.Action == plan.Create {
			r := v1alpha1.FieldResult{Status: fieldReverted}
			if result.DryRun {
				r.Status = fieldPlanned
			}
			s.try(place{step.Key, ""}, r)
		}
		if e.Changed && !result.DryRun {
			s.changed[step.Key]++
		}
		for _, f := range step.Fields {
			r := v1alpha1.FieldResult{Path: f.Path, Status: fieldReverted}
			if f.Class == drift.Undeclared {
				r.Status = fieldRemoved
				if why, refused := e.Refused[f.Path]; refused {
					r.Status, r.Message = fieldRefused, why
				}
				if e.Changed && s.changed[step.Key] < maxChanged && !result.DryRun {
					continue // the next round knows where it stands now
				}
			}
			if result.DryRun {
				r.Status = fieldPlanned
			}
			s.try(place{step.Key, f.Path}, r)
		}
	}
}

// try notes the outcome for a place; what somebody else had changed is warmer
// for it.
func (s *session) try(at place, r v1alpha1.FieldResult) {
	if s.tried[at] = r; r.Status != fieldPlanned && s.foreign[at] {
		s.warm(at)
	}
}

// warm counts that a place was corrected, and in vain.
func (s *session) warm(at place) {
	var desired *unstructured.Unstructured
	if i := slices.IndexFunc(s.view.Desired.Objects, func(u *unstructured.Unstructured) bool { return object.KeyOf(u) == at.key }); i >= 0 {
		desired = s.view.Desired.Objects[i]
	}
	s.mem.fights.corrected(at, desired, s.flow.Now())
}

// prove compares what was changed with what is there now, and tells what did
// not converge. What only a part was changed of, or removed from, is read once
// more.
func (s *session) prove(ctx context.Context) {
	if s.run == nil || s.run.Result.DryRun || len(s.tried) == 0 {
		return
	}
	touched := map[object.Key]bool{}
	for at, r := range s.tried {
		if s.run.Drifted || r.Status == fieldRemoved {
			touched[at.key] = true
		}
	}
	if len(touched) > 0 {
		keys := slices.SortedFunc(maps.Keys(touched), object.Key.Compare)
		if _, err := s.read(ctx, keys); err != nil {
			for _, key := range keys {
				s.mem.distrust(key) // the next look tells
			}
		}
	}
	for at, r := range s.tried {
		if r.Status != fieldReverted && r.Status != fieldRemoved {
			continue
		}
		d, differs := s.view.at(at)
		if !differs || at.path == "" {
			continue
		}
		r.Status, r.Message = fieldNotConverged, held(*d.Field)
		s.tried[at] = r
		if !s.foreign[at] {
			s.warm(at)
		}
	}
}

// held names who holds a field that was corrected.
func held(f drift.Field) string {
	if f.Manager == object.FieldManager {
		return "did not converge: the server changes what is sent, by an admission webhook or by the kind itself"
	}
	return "did not converge: " + cmp.Or(f.Manager, "somebody unknown") + " holds it"
}

// unsettled reports whether something did not converge that is to be tried
// once more without being asked.
func (s *session) unsettled() bool {
	if heals, _ := heals(s.app); !heals {
		return false
	}
	for at, r := range s.tried {
		if (r.Status == fieldNotConverged || r.Status == fieldRefused) && !s.mem.fights.on[at] {
			return true
		}
	}
	return false
}

// maxFields bounds the fields that the record of a sync lists.
const maxFields = 100

// fields lists what became of single fields: all of them where only drift was
// to be put back, or where nothing was done, and else what an apply alone would
// not tell.
func (s *session) fields() map[object.Key][]v1alpha1.FieldResult {
	places := slices.SortedFunc(maps.Keys(s.tried), func(a, b place) int { return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.path, b.path)) })
	out, n := map[object.Key][]v1alpha1.FieldResult{}, 0
	for _, at := range places {
		r := s.tried[at]
		if at.path == "" || n == maxFields || r.Status == fieldReverted && !s.run.Drifted {
			continue
		}
		out[at.key] = append(out[at.key], r)
		n++
	}
	return out
}

// shortfall says how many fields are not as they should be; empty where all
// are.
func (s *session) shortfall() string {
	refused, open := 0, 0
	for _, r := range s.tried {
		switch r.Status {
		case fieldRefused:
			refused++
		case fieldNotConverged:
			open++
		}
	}
	text := ""
	if refused > 0 {
		text += fmt.Sprintf(", %d refused", refused)
	}
	if open > 0 {
		text += fmt.Sprintf(", %d did not converge", open)
	}
	return text
}

// at is the difference at a place, as a comparison last saw it; what is
// expected is none.
func (v *View) at(at place) (Drift, bool) {
	s, ok := v.seen[at.key]
	if !ok || s.desired == "" {
		return Drift{}, false
	}
	if at.path == "" {
		return Drift{Key: at.key, State: s.verdict.State}, s.verdict.State == drift.Missing
	}
	for _, f := range s.verdict.Fields {
		if f.Path == at.path && f.Class != drift.Expected {
			return Drift{Key: at.key, State: s.verdict.State, Field: &f}, true
		}
	}
	return Drift{}, false
}

// differs tells whether there is a difference at a place, and what is live.
func (v *View) differs(at place) (live string, differs bool) {
	d, ok := v.at(at)
	if !ok || d.Field == nil {
		return "", ok
	}
	return text(rawJSON(d.Field.Live)), true
}
