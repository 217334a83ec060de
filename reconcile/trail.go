package reconcile

import (
	"time"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
)

// trail is what watches told of an object since its last verdict.
type trail struct {
	steps   []ownership.Step
	version string
	mark    drift.Mark
	at      time.Time
	// broken: a version may have been missed.
	broken bool
	// gone is when it was deleted.
	gone time.Time
}

// maxTrail bounds the steps of a trail: who writes more often than we look
// leaves nothing to tell.
const maxTrail = 16

// window lies between two verdicts on an object: what differs now and did not
// before was changed in it.
type window struct {
	audit.Window
	// own is the part in which our entry changed: who changed or removed what
	// was ours did it there.
	own   audit.Window
	trace *ownership.Trace
}

// clocks is how far apart the clocks of the agent and of a cluster may be.
const clocks = 2 * time.Second

// follow takes a sighting into the trail of its object.
func (m *Memory) follow(s Sighting) {
	old, known := m.seen[s.Key]
	if !known || old.live == nil || !s.Gone && !newer(s.Version, old.version) {
		return
	}
	if old.otherForm(s) {
		return // the watch of the form that was compared tells of this version, too
	}
	if old.trail == nil && !s.Gone && !m.busy && !old.outdated(s) {
		m.seen[s.Key] = old.hold(s)
		return
	}
	if old.trail == nil {
		old.trail = &trail{version: old.version, mark: old.mark, at: old.at}
		m.seen[s.Key] = old
	}
	old.trail.add(s)
}

func (t *trail) add(s Sighting) {
	if s.Gone {
		t.gone = s.At
		return
	}
	if !newer(s.Version, t.version) {
		return
	}
	step := ownership.StepBetween(t.mark, s.Mark)
	step.From, step.To, step.After, step.At = t.version, s.Version, t.at, s.At
	t.broken = t.broken || s.Previous != t.version || len(t.steps) == maxTrail
	if !t.broken && (step.Own || len(step.Writers) > 0) {
		t.steps = append(t.steps, step)
	}
	t.version, t.mark, t.at = s.Version, s.Mark, s.At
}

// arrived notes what lies between the verdict before and this one, which is
// about s.version as it was read at s.at.
func (s *seen) arrived(before seen) {
	if before.verdict.Name == "" {
		return // the first verdict
	}
	if before.live == nil {
		s.window = before.window // still gone
		if s.live != nil && before.window != nil {
			again := audit.Window{From: before.window.From, To: s.version, After: before.window.After, Until: s.at.Add(clocks)}
			s.window = &window{Window: again, own: again}
		}
		return
	}
	t := before.trail
	w := &window{Window: audit.Window{
		From: before.version, To: s.version, After: before.mark.Latest, Until: s.at.Add(clocks), Written: before.mark.Foreign,
	}}
	w.own = w.Window
	s.window = w
	switch {
	case s.live == nil:
		w.To = ""
		if t != nil && !t.gone.IsZero() {
			w.Until = t.gone.Add(clocks)
		}
		w.own = w.Window
	case s.version == before.version:
		s.window, s.at = before.window, before.at
	case t != nil && !t.broken && t.version == s.version:
		s.at = t.at
		w.trace = ownership.TraceOf(t.steps)
		if first, last, ok := ownership.OwnSteps(t.steps); ok {
			w.own = audit.Window{From: first.From, To: last.To, After: first.Latest, Until: last.At.Add(clocks), Written: first.Written}
		}
	}
}
