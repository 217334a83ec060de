package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// place is one application while its next state is found.
type place struct {
	app       *Application
	old, next v1alpha1.ApplicationSetApplicationStatus
	now       time.Time
	// ready: it needs a sync, which may be asked for from due on.
	ready bool
	due   time.Time
	asked bool
}

// enter is the table of the machine: the state from the last one and from
// what is seen. Whether a sync is asked for is the step's affair.
//
//	          Stale        Unknown      Requested  Running      Done     Unhealthy    Differs
//	none      Waiting      Waiting      Pending    Progressing  Healthy  Progressing  Waiting, ready
//	Waiting   Waiting      Waiting      Pending    Progressing  Healthy  Progressing  Waiting, ready
//	Pending   Pending      Pending      Pending    Progressing  Healthy  Progressing  see below
//	Progress. Progressing  Progressing  Pending    Progressing  Healthy  Progressing  see below
//	Healthy   Healthy      Healthy      Pending    Progressing  Healthy  Progressing  see below
//
// Healthy that is stale or unknown does not open the next step.
//
// What differs starts over when its target is another than before: Waiting,
// ready. With the same target, Pending and Progressing are ready again once
// the wait for their attempts is over, Pending only as long as nothing shows
// that the sync began; Healthy stays, unless the application heals itself:
// then it is Waiting, ready.
func (p *place) enter(before map[string]v1alpha1.ApplicationSetApplicationStatus) {
	p.old = before[p.app.Name]
	p.next = p.old
	p.next.Application = p.app.Name
	was := State(p.old.Status)
	if was == "" {
		was = Waiting
	}
	switch p.app.Sight {
	case Stale, Unknown:
		p.to(was, map[Sight]string{Stale: "its latest state is not known yet", Unknown: "it cannot be compared"}[p.app.Sight])
	case Requested:
		p.aim()
		p.to(Pending, "a sync was asked for")
	case Running:
		p.aim()
		p.to(Progressing, "a sync is running")
	case Done:
		p.aim()
		p.to(Healthy, "synced and healthy")
	case Unhealthy:
		p.aim()
		p.to(Progressing, "synced, and "+p.app.Health)
	case Differs:
		p.differs(was)
	}
}

// aim takes over the target. Attempts count for one target only, and those of
// long ago count no more.
func (p *place) aim() {
	if !p.sameTarget() || State(p.old.Status) == Healthy && p.since() > settled {
		p.next.Attempts = 0
	}
	p.next.TargetRevisions, p.next.TargetDigest = p.app.Revisions, p.app.Digest
}

// healthy reports what the next step waits for.
func (p *place) healthy() bool {
	return State(p.next.Status) == Healthy && p.app.Sight != Stale && p.app.Sight != Unknown
}

func (p *place) sameTarget() bool {
	if p.app.Digest != "" || p.old.TargetDigest != "" {
		return p.app.Digest == p.old.TargetDigest
	}
	return slices.Equal(p.app.Revisions, p.old.TargetRevisions)
}

func (p *place) changed() time.Time {
	if p.old.LastTransitionTime == nil {
		return time.Time{}
	}
	return p.old.LastTransitionTime.Time
}

func (p *place) since() time.Duration { return p.now.Sub(p.changed()) }

func (p *place) to(s State, message string) { p.next.Status, p.next.Message = string(s), message }

func (p *place) differs(was State) {
	same := p.sameTarget()
	p.aim()
	wait := p.app.Retry.wait(p.next.Attempts)
	switch {
	case !same || was == Waiting:
		p.to(Waiting, "not synced yet")
		p.ready = true
		if same && p.next.Attempts > 0 {
			p.due = p.changed().Add(wait)
		}
	case was == Healthy && !p.app.SelfHeal:
		p.to(Healthy, "synced and healthy, and changed since by somebody else")
	case was == Healthy:
		p.to(Waiting, "changed by somebody else since it was synced")
		p.ready = true
		if p.next.Attempts > 0 {
			p.due = p.changed().Add(wait)
		}
	case was == Pending && p.app.Last.Started.Before(p.changed()):
		p.to(Pending, "a sync was asked for, and nobody has taken it up")
		p.ready, p.due = true, p.changed().Add(wait)
	default:
		p.to(Progressing, p.shortOfTarget())
		p.ready, p.due = true, later(p.changed(), p.app.Last.Finished).Add(wait)
	}
}

func (p *place) shortOfTarget() string {
	if p.app.Last.Failed {
		return fmt.Sprintf("the sync failed, and is tried again: %s", p.app.Last.Message)
	}
	return "the sync ended, and the application still differs; it is tried again"
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *place) ask() {
	p.asked = true
	p.next.Attempts++
	p.to(Pending, "a sync was asked for")
}
