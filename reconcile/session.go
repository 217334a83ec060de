package reconcile

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/apply"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// The phases of a sync.
const (
	phaseRunning   = "Running"
	phaseSucceeded = "Succeeded"
	phaseFailed    = "Failed"
)

// session is one run of a flow over one application.
type session struct {
	flow *Flow
	app  *v1alpha1.Application
	mem  *Memory
	view *View
	// operation is what somebody asked for; nil once it was begun.
	operation *v1alpha1.Operation
	// found is the drift before the session did anything.
	found []Drift
	// pending: the revision was not synced before. moved: Git describes other
	// objects than at the last look.
	pending, moved bool
	// run is the sync of this session, nil while there was none.
	run *Run
	// reach is what its next round may change.
	reach reach
	// foreign are the places that somebody else changed, tried those that the
	// session did something about, with the outcome, and changed counts how often
	// an object was changed by others meanwhile.
	foreign map[place]bool
	tried   map[place]v1alpha1.FieldResult
	changed map[object.Key]int
	// prepared are objects that were read for the next round.
	prepared map[object.Key]prepared
}

// decide plans the next round, and tells whether it is run. What must be read
// for it is.
func (s *session) decide(ctx context.Context) (plan.Plan, Decision, error) {
	op := s.mem.operation
	if s.operation != nil {
		op = s.operation
	}
	s.reach = reachOf(s.app, op, s.view.Desired.Digest, s.mem.attempt)
	for range rounds {
		policy := PolicyOf(s.app, op)
		p := plan.Make(s.input(policy))
		last := s.mem.attempt
		if s.reach.drifted {
			last = s.mem.reverted
		}
		now := situation(s.app, s.operation != nil, s.view.Desired.Digest, p, last)
		now.Drifted = s.reach.drifted
		decision := Decide(now, s.flow.Now())
		keys := s.unprepared(p)
		if !decision.Sync || len(keys) == 0 {
			return p, decision, nil
		}
		if err := s.prepare(ctx, keys, policy); err != nil {
			return p, decision, err
		}
		s.blame(s.view.Drift(s.app.Status, s.pending))
	}
	return plan.Plan{}, Decision{Reason: "what is live does not hold still"}, nil
}

// sync runs what is due of a plan and takes in what came of it.
func (s *session) sync(ctx context.Context, p plan.Plan, reason string) error {
	f, now := s.flow, s.flow.Now()
	if s.run == nil {
		s.run = &Run{App: s.app.Namespace + "/" + s.app.Name, Reason: reason, Commit: s.view.Desired.Commit, Started: now, Initiator: v1alpha1.OperationInitiator{Automated: true}}
	}
	s.run.Drifted = s.run.Drifted || s.reach.drifted
	dryRun := false
	if s.operation != nil {
		s.run.Initiator = s.operation.InitiatedBy
		if s.operation.Sync != nil {
			dryRun = s.operation.Sync.DryRun
			if !dryRun {
				s.mem.operation = s.operation
			}
		}
		s.operation = nil
	}
	if creates(p, s.app.Status) && f.Journal != nil && !dryRun {
		if err := f.Journal.Intend(ctx, s.app, s.intent(p)); err != nil {
			return fmt.Errorf("record what the sync is about to create: %w", err)
		}
	}
	result := apply.Execute(ctx, s.view.cluster.Writer, p, apply.Options{DryRun: dryRun})
	s.run.Result = merge(s.run.Result, result)
	s.count(p, result)
	if dryRun {
		return nil // it is no attempt, and there is nothing to learn from it
	}
	s.learn(ctx, result)
	s.prepared = nil
	s.attempted(p, result)
	return nil
}

// attempted counts the attempt: of a sync, or of putting back what drifted,
// which says nothing of the revision.
func (s *session) attempted(p plan.Plan, result apply.Result) {
	attempt := &s.mem.attempt
	if s.reach.drifted {
		attempt = &s.mem.reverted
	}
	last := *attempt
	next := Attempt{Revision: s.view.Desired.Digest, At: s.flow.Now(), Failed: result.Err() != nil, Unfinished: p.Deferred() > 0}
	for _, e := range result.Entries {
		next.Unfinished = next.Unfinished || e.Changed && s.changed[e.Key] < maxChanged
	}
	switch {
	case next.Failed && last.Failed && last.Revision == next.Revision:
		next.Count = last.Count + 1
	case next.Failed:
		next.Count = 1
	}
	*attempt = next
}

// learn compares what was stored with what was desired, so that the watch
// has nothing new to tell.
func (s *session) learn(ctx context.Context, result apply.Result) {
	d := s.view.Desired
	var whole, part stored
	for _, e := range result.Entries {
		_, prepared := s.prepared[e.Key]
		switch {
		case e.Status == apply.Pruned:
			s.mem.forget([]object.Key{e.Key})
		case e.Status == apply.Failed:
			s.mem.distrust(e.Key) // it may have been changed all the same
		case e.Live != nil && e.Key.Kind == "Namespace" && d.hashes[e.Key] == "":
			s.mem.namespace = e.Key.Name
		case e.Live != nil && prepared:
			part.add(e)
		case e.Live != nil:
			whole.add(e)
		}
	}
	j := s.judge()
	// Of what was left as it is live on purpose, the answer says nothing of what
	// the cluster makes of the rest of the desired object.
	j.all(ctx, part.live, part.keys)
	j.applied = true
	j.all(ctx, whole.live, whole.keys)
	s.view.seen = s.mem.snapshot()
}

// stored is what a cluster returned of what was applied.
type stored struct {
	live []*unstructured.Unstructured
	keys []object.Key
}

func (s *stored) add(e apply.Entry) {
	s.live, s.keys = append(s.live, e.Live), append(s.keys, e.Key)
}

// settle finishes a sync that waited for the health of its last wave, and
// names the phase.
func (s *session) settle(p plan.Plan) {
	waits := p.Deferred() > 0
	if s.mem.attempt.Unfinished && !waits {
		s.mem.attempt.Unfinished = false
	}
	s.mem.reverted.Unfinished = s.mem.reverted.Unfinished && waits
	if s.run == nil {
		return
	}
	s.run.Finished = s.flow.Now()
	switch err := s.run.Result.Err(); {
	case err != nil:
		s.run.Phase, s.run.Message = phaseFailed, err.Error()
	case s.run.Result.DryRun:
		s.run.Phase, s.run.Message = phaseSucceeded, "dry run: nothing was changed"
	case waits:
		s.run.Phase, s.run.Message = phaseRunning, firstReason(p)
	default:
		s.run.Phase, s.run.Message = phaseSucceeded, summary(s.run.Result)+s.shortfall()
		if n := len(s.view.vague()); n > 0 {
			s.run.Message += fmt.Sprintf("; %d objects could not be compared", n)
		}
		s.mem.operation = nil
	}
}

// creates reports whether a plan makes objects that the status does not list
// yet: then these must be written down first, or they could be forgotten.
func creates(p plan.Plan, status v1alpha1.ApplicationStatus) bool {
	known := map[object.Key]bool{}
	for _, r := range status.Resources {
		known[resourceKey(r)] = true
	}
	for _, step := range p.Steps {
		if step.Action == plan.Create && step.Reason != "CreateNamespace=true" && !known[step.Key] {
			return true
		}
	}
	return false
}

// intent is the status that says what is about to be there.
func (s *session) intent(p plan.Plan) v1alpha1.ApplicationStatus {
	status := s.status(p, s.found)
	status.DryRunState = nil
	status.OperationState = &v1alpha1.OperationState{
		Phase: phaseRunning, Message: "applying " + s.view.Desired.Commit.Short(), StartedAt: metav1.NewTime(s.run.Started),
		SyncResult: s.syncResult(),
	}
	return status
}

// merge adds the entries of a later round: they replace what was deferred.
func merge(a, b apply.Result) apply.Result {
	if len(a.Entries) == 0 {
		return b
	}
	at := map[object.Key]int{}
	for i, e := range a.Entries {
		at[e.Key] = i
	}
	for _, e := range b.Entries {
		if i, ok := at[e.Key]; ok {
			a.Entries[i] = e
			continue
		}
		a.Entries = append(a.Entries, e)
	}
	return a
}

func firstReason(p plan.Plan) string {
	for _, step := range p.Steps {
		if step.Deferred {
			return step.Reason
		}
	}
	return ""
}

func summary(r apply.Result) string {
	var parts []string
	for _, c := range []struct {
		n    int
		verb string
	}{{r.Count(apply.Synced), "applied"}, {r.Count(apply.Pruned), "pruned"}, {r.Count(apply.PruneSkipped), "kept"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.verb))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}
