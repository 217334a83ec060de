package reconcile

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

// Moment is what happened to a difference.
type Moment string

// The moments of a difference.
const (
	Opened  Moment = "opened"
	Changed Moment = "changed" // another value, or another hand
	Closed  Moment = "closed"
	Blamed  Moment = "blamed" // who made it became known, or that it may have been another one
)

// How a difference was closed.
const (
	HowSynced   = "synced"   // a sync of another revision took it away
	HowReverted = "reverted" // a sync of the same revision put back what Git says
	HowAccepted = "accepted" // somebody accepts it for a while
	HowExpected = "expected" // a rule explains it now
	HowGit      = "git"      // Git caught up, or does not describe it any more
	HowAdopted  = "adopted"  // Git took the live value over, by a commit made for that
	HowUndone   = "undone"   // whoever changed it, or somebody else, changed it back
	HowDeleted  = "deleted"  // the application was deleted, and nobody looks any more
)

// DriftEvent is one moment of a field, or of an object as a whole.
type DriftEvent struct {
	App    string // namespace/name
	At     time.Time
	Moment Moment
	Key    object.Key
	State  drift.State
	// Field is nil for the object as a whole. That of a closed difference is
	// the last that was seen.
	Field *drift.Field
	// Audit are those one of whom made it, as far as audit events tell by then.
	Audit []audit.Actor
	// FoundAt is when it was opened; zero where that is not known.
	FoundAt time.Time
	// How it was closed, and By whom: a user, a rule or an author, as far as
	// that is known. Automated syncs are by nobody.
	How, By string
}

// place names a difference within an application.
type place struct {
	key  object.Key
	path string
}

// open is a difference that was told and not closed.
type open struct {
	found  time.Time
	change v1alpha1.DriftChange
	window *window
	ours   bool
	// resumed: an earlier process saw it, with another key for secrets.
	resumed bool
}

// reopen takes from the status what was open when an earlier process ended.
func (m *Memory) reopen(status v1alpha1.ApplicationStatus) {
	if m.open != nil {
		return
	}
	m.open = map[place]open{}
	if status.Drift == nil {
		return
	}
	for _, c := range status.Drift.Changes {
		o := open{change: c, resumed: true}
		if c.FoundAt != nil {
			o.found = c.FoundAt.Time
		}
		m.open[place{changeKey(c), c.Path}] = o
	}
}

// story is what one run knows of how drift came and went.
type story struct {
	app         string
	at          time.Time
	found, left []Drift
	// verdicts are those of the end of the run.
	verdicts map[object.Key]seen
	// moved: Git describes other objects than at the last look.
	moved bool
	// adopts is what the commit says that it takes over.
	adopts string
	// pending: the revision was not synced before this run.
	pending bool
	author  string
	run     *Run
}

// tell compares drift before, now and after a sync, remembers what is open,
// and returns what happened.
func (m *Memory) tell(s story) []DriftEvent {
	still := map[place]bool{}
	for _, d := range s.left {
		still[d.place()] = true
	}
	var out []DriftEvent
	next := make(map[place]open, len(s.left))
	for _, d := range slices.Concat(s.found, s.left) {
		at := d.place()
		if _, told := next[at]; told {
			continue
		}
		change := changeOf(d)
		old, known := m.open[at]
		now := open{found: old.found, change: change, window: d.window, ours: d.ours}
		event := DriftEvent{App: s.app, At: s.at, Moment: Opened, Key: d.Key, State: d.State, Field: d.Field, Audit: d.Audit}
		switch {
		case !known:
			now.found = s.at
			event.FoundAt = s.at
			out = append(out, event)
		case old.differs(change):
			event.Moment, event.FoundAt = Changed, old.found
			out = append(out, event)
		case !slices.Equal(usersOf(d.Audit), usersOf(audit.Shown(old.change))):
			event.Moment, event.FoundAt = Blamed, old.found
			out = append(out, event)
		}
		next[at] = now
		if !still[at] {
			event.Moment, event.FoundAt = Closed, now.found
			event.How, event.By = s.corrected()
			out = append(out, event)
			m.close(event, now)
		}
	}
	for at, old := range m.open {
		if _, there := next[at]; there {
			continue
		}
		event := DriftEvent{App: s.app, At: s.at, Moment: Closed, Key: at.key, FoundAt: old.found, Audit: audit.Shown(old.change)}
		if at.path != "" {
			event.Field = fieldOf(old.change)
		}
		event.How, event.By = s.ended(at)
		out = append(out, event)
		m.close(event, old)
	}
	for at := range next {
		if !still[at] {
			delete(next, at)
		}
	}
	m.open = next
	out = append(out, m.late...)
	m.late = nil
	slices.SortStableFunc(out, func(a, b DriftEvent) int {
		return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.path(), b.path()))
	})
	return out
}

func (d Drift) place() place { return place{d.Key, d.path()} }

func (e DriftEvent) path() string {
	if e.Field == nil {
		return ""
	}
	return e.Field.Path
}

// differs reports another value or another hand. Marks of secrets that an
// earlier process made say nothing.
func (o open) differs(now v1alpha1.DriftChange) bool {
	if o.resumed && now.Kind == "Secret" && now.Group == "" {
		return false
	}
	return o.change.Manager != now.Manager || text(o.change.Live) != text(now.Live) || text(o.change.Desired) != text(now.Desired)
}

// corrected tells how a difference went that was there when the run began.
func (s story) corrected() (how, by string) {
	if s.run == nil {
		return HowUndone, ""
	}
	how = HowReverted
	if s.pending {
		how = HowSynced
	}
	return how, s.run.Initiator.Username
}

// ended tells how a difference went that was not there any more when the run
// began.
func (s story) ended(at place) (how, by string) {
	verdict := s.verdicts[at.key].verdict
	for _, f := range verdict.Fields {
		if f.Path == at.path && f.Class == drift.Expected {
			if isAccepted(f.Rule) {
				return HowAccepted, f.Rule
			}
			return HowExpected, f.Rule
		}
	}
	if _, described := s.verdicts[at.key]; s.moved || !described {
		if s.moved && adopts(s.adopts, at.key, at.path) {
			return HowAdopted, s.author
		}
		return HowGit, s.author
	}
	return HowUndone, ""
}

// acceptedRule begins the names of rules that come from spec.drift.accept.
const acceptedRule = "accepted until "

// fieldOf is a change of a status as the comparison told it.
func fieldOf(c v1alpha1.DriftChange) *drift.Field {
	f := &drift.Field{
		Path: c.Path, Class: drift.Class(c.Class), Manager: c.Manager, Operation: c.Operation, Subresource: c.Subresource,
		Audit: audit.Shown(c), Trace: traceOf(c.Trace),
	}
	if c.Desired != nil {
		f.Desired = c.Desired
	}
	if c.Live != nil {
		f.Live = c.Live
	}
	if c.Time != nil {
		f.Time = &c.Time.Time
	}
	return f
}

// tell passes what happened to drift to the journal.
func (s *session) tell(ctx context.Context, found, left []Drift) {
	st := story{
		app: s.app.Namespace + "/" + s.app.Name, at: s.flow.Now(), found: found, left: left, verdicts: s.view.seen, moved: s.moved, pending: s.pending && !s.reach.drifted,
		author: s.view.Desired.Commit.Author, run: s.run, adopts: s.view.Desired.adopted(),
	}
	events := s.mem.tell(st)
	if len(events) == 0 || s.flow.Journal == nil {
		return
	}
	// A journal that fails must not keep a cluster from being corrected; it
	// tells its own failures.
	_ = s.flow.Journal.Drifted(ctx, events)
}

// Deleted closes what was open of an application that is gone.
func (f *Flow) Deleted(ctx context.Context, namespace, name string, mem *Memory) {
	var events []DriftEvent
	for at, old := range mem.open {
		event := DriftEvent{App: namespace + "/" + name, At: f.Now(), Moment: Closed, Key: at.key, FoundAt: old.found, How: HowDeleted}
		if at.path != "" {
			event.Field = fieldOf(old.change)
		}
		events = append(events, event)
	}
	mem.open = map[place]open{}
	if len(events) == 0 || f.Journal == nil {
		return
	}
	slices.SortFunc(events, func(a, b DriftEvent) int { return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.path(), b.path())) })
	_ = f.Journal.Drifted(ctx, events) // it tells its own failures
}

// dated adds to changes when they were found.
func (m *Memory) dated(d *v1alpha1.DriftSummary) {
	for i := range d.Changes {
		c := &d.Changes[i]
		if o, ok := m.open[place{changeKey(*c), c.Path}]; ok && !o.found.IsZero() {
			at := metav1.NewTime(o.found.Truncate(time.Second))
			c.FoundAt = &at
		}
	}
}
