package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/heat"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/apply"
	"github.com/trueup-dev/trueup/reconcile/declared"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// Flow brings applications in line with Git. It may be used by several
// goroutines, for one application by one at a time.
type Flow struct {
	Sources  Sources
	Renderer Renderer
	Clusters Clusters
	// Projects limit what applications may do; nil limits nothing.
	Projects Projects
	// Rules are those of every application; nil is none.
	Rules   Rules
	Journal Journal
	// Audit tells who made drift; nil knows nobody.
	Audit Audit
	Now   func() time.Time
	// Patience bounds the wait for the files of one application's sources; 0 is
	// for as long as the context allows.
	Patience time.Duration
	// Namespace is where applications live whose tracking ids carry their
	// name alone.
	Namespace string
	// Fights say when something that keeps coming back is left alone.
	Fights heat.Settings
	// MaskKey keys the marks that stand for secret values in reports.
	MaskKey []byte
	// Declarations tells Run who declared what differs, History tells it to
	// Compare; either may be nil.
	Declarations Declarations
	History      declared.History
	// Compared is told how many objects of a cluster are compared; nil is nobody.
	Compared func(cluster string, objects int)
}

// Outcome is what one run found and did.
type Outcome struct {
	Status v1alpha1.ApplicationStatus
	// After is when to look again even if nothing happens; 0 is never.
	After time.Duration
	// Synced says that a sync was run, Done that the one somebody asked for
	// needs no more attention.
	Synced, Done bool
	// Err is what kept the run from its end. The status tells it too.
	Err error
}

// ID is the name that tracking ids carry: unique among all namespaces.
func (f *Flow) ID(app *v1alpha1.Application) string { return f.IDOf(app.Namespace, app.Name) }

// IDOf is ID for callers that hold the name alone.
func (f *Flow) IDOf(namespace, name string) string {
	if namespace == "" || namespace == f.Namespace {
		return name
	}
	return namespace + "_" + name
}

// rounds bounds the waves that one run applies without waiting for anything.
const rounds = 50

// Run looks at one application, syncs it if that is due, and tells its
// status. What fails is in the status as a condition; what was known before
// stays there.
func (f *Flow) Run(ctx context.Context, app *v1alpha1.Application, mem *Memory) Outcome {
	mem.looks()
	defer mem.rests()
	mem.reopen(app.Status)
	desired, cluster, err := f.desire(ctx, app, revisions(requested(app)))
	mem.name(desired, err == nil)
	if err != nil {
		return f.failed(app, mem, err)
	}
	mem.ask(desired)
	mem.resume(app, desired)
	mem.fights.begin(app, desired, f.Fights, f.Now())
	view, err := f.Observe(ctx, app, desired, cluster, mem)
	if err != nil {
		return f.failed(app, mem, err)
	}
	pending := mem.attempt.Revision != desired.Digest
	found := mem.held(view, view.Drift(app.Status, pending))
	blame := blamer{f, app, view, mem}
	blame.attribute(ctx, found, nil)
	mem.fights.watch(view, f.Now())

	s := session{
		flow: f, app: app, mem: mem, view: view, operation: app.Operation, found: found,
		pending: pending, moved: app.Status.Sync.Digest != desired.Digest,
		foreign: map[place]bool{}, tried: map[place]v1alpha1.FieldResult{}, changed: map[object.Key]int{},
	}
	s.blame(found)
	p, decision, err := s.decide(ctx)
	if err != nil {
		return f.failed(app, mem, err)
	}
	for range rounds {
		if !decision.Sync || ctx.Err() != nil {
			break
		}
		if err := s.sync(ctx, p, decision.Reason); err != nil {
			return f.failed(app, mem, err)
		}
		if s.run.Result.DryRun {
			break // what it left undone is not to be gone on with
		}
		if p, decision, err = s.decide(ctx); err != nil {
			return f.failed(app, mem, err)
		}
	}
	s.prove(ctx)
	s.settle(p)
	if s.run != nil && f.Journal != nil {
		_ = f.Journal.Record(ctx, *s.run) // as with drift: it tells its own failures
	}
	left := mem.held(s.view, s.view.Drift(app.Status, pending && (s.run == nil || s.run.Drifted)))
	blame.attribute(ctx, left, found)
	s.tell(ctx, found, left)
	orphans := f.lookForOrphans(ctx, app, desired.project, cluster, mem)
	status := s.status(p, left)
	s.declare(&status)
	if refusedRequest(app, p) && s.run == nil && requested(app).DryRun {
		status.DryRunState = operationFailed(app, errors.New(p.Refusals[0].Message), f.Now()) // it did not run: the last one's is not to be taken for it
	}
	_, _, next := acceptances(app, f.Now())
	after := first(sooner(sooner(decision.After, next, f.Now()), firstEnd(status.Drift.Fights), f.Now()), mem.lookAgain(s.view), orphans, mem.scalersDue(f.Now()))
	if s.unsettled() {
		after = sooner(after, f.Now().Add(again), f.Now())
	}
	return Outcome{Status: status, After: after, Synced: s.run != nil, Done: app.Operation != nil && s.run != nil || refusedRequest(app, p)}
}

// Compare tells how live objects differ from a revision, or from the
// application's own where it is empty. It reads everything and writes nothing.
func (f *Flow) Compare(ctx context.Context, app *v1alpha1.Application, revision string) (drift.Report, error) {
	desired, cluster, err := f.Desire(ctx, app, revision)
	if err != nil {
		return drift.Report{}, err
	}
	mem := &Memory{}
	mem.resume(app, desired)
	view, err := f.Observe(ctx, app, desired, cluster, mem)
	if err != nil {
		return drift.Report{}, err
	}
	report := drift.Report{RuleNames: desired.rules.own, RuleProblems: view.ruleProblems()}
	for _, key := range view.keys() {
		verdict := view.seen[key].verdict
		verdict.Origin = desired.Origins[key]
		report.Objects = append(report.Objects, verdict)
	}
	f.declare(ctx, desired, &report)
	return report, nil
}

// Teardown deletes what an application consists of, and tells whether
// anything is left of it. Where its cluster is not registered any more there
// is nothing to delete.
func (f *Flow) Teardown(ctx context.Context, app *v1alpha1.Application, mem *Memory) (left int, err error) {
	cluster, err := f.Clusters.Cluster(ctx, app.Spec.Destination)
	if fault.Of(err) == fault.Missing {
		return 0, nil // whoever took the cluster away keeps what is in it
	}
	if err != nil {
		return 0, fmt.Errorf("find the destination: %w", err)
	}
	mem.Recheck()
	mem.reopen(app.Status)
	view, err := f.Observe(ctx, app, &Desired{}, cluster, mem)
	if err != nil {
		return 0, err
	}
	if text := view.blindness(); text != "" {
		return 0, fmt.Errorf("find what is left of %s in cluster %s: %s", app.Name, cluster.Name, text)
	}
	policy := PolicyOf(app, nil)
	policy.Deleting = true
	p := plan.Make(view.input(f.ID(app), policy, mem))
	for _, step := range p.Steps {
		if step.Action == plan.Prune {
			left++
		}
	}
	for _, s := range view.seen {
		if s.live != nil && s.live.GetDeletionTimestamp() != nil {
			left++
		}
	}
	return left, apply.Execute(ctx, cluster.Writer, p, apply.Options{}).Err()
}

// requested is the sync somebody asked for, or an empty one.
func requested(app *v1alpha1.Application) v1alpha1.SyncOperation {
	if app.Operation == nil || app.Operation.Sync == nil {
		return v1alpha1.SyncOperation{}
	}
	return *app.Operation.Sync
}

func refusedRequest(app *v1alpha1.Application, p plan.Plan) bool {
	return app.Operation != nil && len(p.Refusals) > 0
}

// revisions are those that somebody asked for.
func revisions(op v1alpha1.SyncOperation) []string {
	if len(op.Revisions) > 0 {
		return op.Revisions
	}
	return []string{op.Revision}
}

// failed keeps what was known and says what went wrong.
func (f *Flow) failed(app *v1alpha1.Application, mem *Memory, err error) Outcome {
	mem.failures++
	mem.looks()
	out := Outcome{Status: failedStatus(app, err, f.Now()), Err: err}
	out.Done = app.Operation != nil && !errors.Is(err, snapshot.ErrPending) // it goes on when the files are here
	if fault.Retryable(err) || fault.Of(err) == fault.Missing {
		out.After = DefaultRetry().Wait(mem.failures)
	}
	switch {
	case out.Done && requested(app).DryRun:
		out.Status.DryRunState = operationFailed(app, err, f.Now())
	case out.Done:
		out.Status.OperationState = operationFailed(app, err, f.Now())
	}
	return out
}

// first is the least of some times to wait, of which 0 is for ever.
func first(times ...time.Duration) time.Duration {
	var out time.Duration
	for _, t := range times {
		if t > 0 && (out == 0 || t < out) {
			out = t
		}
	}
	return out
}
