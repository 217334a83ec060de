package ownership

import (
	"slices"
	"time"
)

// Step is what managedFields tell of the way from one version of an object to
// the next.
type Step struct {
	From, To string // resourceVersions
	// After and At are when From and To were first seen.
	After, At time.Time
	// Own: our entry changed, so that a field which we own was changed or
	// removed.
	Own bool
	// Written are the claims on From, and Latest the time of the last write that
	// they tell.
	Written []Foreign
	Latest  time.Time
	// Writers are the managers whose entries appeared, or got a later time.
	Writers []string
}

// Trace is when a value was changed or removed that has no owner now, and who
// wrote then. One manager alone did it. With several, one of them did; without
// any, nobody is known to: who does nothing but remove fields leaves no mark.
type Trace struct {
	After    time.Time `json:"after"`
	Before   time.Time `json:"before"`
	Managers []string  `json:"managers,omitempty"`
}

// StepBetween compares the marks of two consecutive versions.
func StepBetween(prev, next Mark) Step {
	s := Step{Own: prev.Own != next.Own, Written: prev.Foreign, Latest: prev.Latest}
	for _, f := range next.Foreign {
		if f.Subresource == "status" || !f.wroteSince(prev) {
			continue
		}
		name := Client(f.Manager, f.Subresource)
		if !slices.Contains(s.Writers, name) {
			s.Writers = append(s.Writers, name)
		}
	}
	slices.Sort(s.Writers)
	return s
}

// wroteSince reports a claim whose owner has written since. One that only lost
// fields keeps its time: somebody else took them. What kubectl scale leaves
// has no time.
func (f Foreign) wroteSince(prev Mark) bool {
	return !slices.ContainsFunc(prev.Foreign, func(old Foreign) bool {
		if old.Manager != f.Manager || old.Operation != f.Operation || old.Subresource != f.Subresource {
			return false
		}
		if f.Time == nil || old.Time == nil {
			return f.Fields == old.Fields
		}
		return !f.Time.After(*old.Time)
	})
}

// Client is a manager's name with the subresource that it wrote through:
// kubectl (scale).
func Client(manager, subresource string) string {
	if manager == "" || subresource == "" {
		return manager
	}
	return manager + " (" + subresource + ")"
}

// TraceOf sums up the steps between two looks: those in which our entry
// changed, where there are any.
func TraceOf(steps []Step) *Trace {
	if len(steps) == 0 {
		return nil
	}
	if own := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return !s.Own }); len(own) > 0 {
		steps = own
	}
	t := &Trace{After: steps[0].After, Before: steps[len(steps)-1].At}
	for _, s := range steps {
		for _, name := range s.Writers {
			if !slices.Contains(t.Managers, name) {
				t.Managers = append(t.Managers, name)
			}
		}
	}
	slices.Sort(t.Managers)
	return t
}

// OwnSteps are the first and the last step in which our entry changed.
func OwnSteps(steps []Step) (first, last Step, ok bool) {
	for _, s := range steps {
		if !s.Own {
			continue
		}
		if !ok {
			first = s
		}
		last, ok = s, true
	}
	return first, last, ok
}
