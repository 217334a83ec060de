package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

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
}

func (s *session) decide() (plan.Plan, Decision) {
	op := s.mem.operation
	if s.operation != nil {
		op = s.operation
	}
	p := plan.Make(s.view.input(s.flow.ID(s.app), PolicyOf(s.app, op), s.mem))
	return p, Decide(situation(s.app, s.operation != nil, s.view.Desired.Digest, p, s.mem.attempt), s.flow.Now())
}

// sync runs what is due of a plan and takes in what came of it.
func (s *session) sync(ctx context.Context, p plan.Plan, reason string) error {
	f, now := s.flow, s.flow.Now()
	if s.run == nil {
		s.run = &Run{App: s.app.Namespace + "/" + s.app.Name, Reason: reason, Commit: s.view.Desired.Commit, Started: now, Initiator: v1alpha1.OperationInitiator{Automated: true}}
	}
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
	if dryRun {
		return nil // it is no attempt, and there is nothing to learn from it
	}
	s.learn(ctx, result)
	s.attempted(p, result)
	return nil
}

// attempted counts the attempt. One that healed what had only just been set
// counts as a fight; a person who changes something now and then does not.
func (s *session) attempted(p plan.Plan, result apply.Result) {
	now, last := s.flow.Now(), s.mem.attempt
	next := Attempt{Revision: s.view.Desired.Digest, At: now, Failed: result.Err() != nil, Unfinished: p.Deferred() > 0}
	const soon = 5 * time.Second
	switch {
	case next.Failed && last.Failed && last.Revision == next.Revision:
		next.Count = last.Count + 1
	case next.Failed:
		next.Count = 1
	case last.Revision == next.Revision && !s.mem.noticed.IsZero() && s.mem.noticed.Sub(last.At) < soon:
		next.Count = last.Count + 1
	}
	s.mem.attempt, s.mem.noticed = next, time.Time{}
}

// learn compares what was stored with what was desired, so that the watch
// has nothing new to tell.
func (s *session) learn(ctx context.Context, result apply.Result) {
	d := s.view.Desired
	var live []*unstructured.Unstructured
	var keys []object.Key
	for _, e := range result.Entries {
		switch {
		case e.Status == apply.Pruned:
			s.mem.forget([]object.Key{e.Key})
		case e.Status == apply.Failed:
			s.mem.distrust(e.Key) // it may have been changed all the same
		case e.Live != nil && e.Key.Kind == "Namespace" && d.hashes[e.Key] == "":
			s.mem.namespace = e.Key.Name
		case e.Live != nil:
			live, keys = append(live, e.Live), append(keys, e.Key)
		}
	}
	judge{flow: s.flow, cluster: s.view.cluster, desired: d, mem: s.mem, applied: true}.all(ctx, live, keys)
	s.view.seen = s.mem.snapshot()
}

// settle finishes a sync that waited for the health of its last wave, and
// names the phase.
func (s *session) settle(p plan.Plan) {
	waits := p.Deferred() > 0
	if s.mem.attempt.Unfinished && !waits {
		s.mem.attempt.Unfinished = false
	}
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
		s.run.Phase, s.run.Message = phaseSucceeded, summary(s.run.Result)
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
