package apply

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// Writer is a cluster that can be changed.
type Writer interface {
	// Apply creates or updates an object and returns it as stored.
	Apply(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error)
	// Delete removes the object with this UID. An object that is gone, or was
	// replaced by one with another UID, is a fault.Missing or fault.Conflict.
	Delete(ctx context.Context, key object.Key, uid string) error
	// Remove takes fields out of one version of an object, all or none, and
	// returns it as stored. Where the object has another version by now it is a
	// fault.Conflict; what the server refuses is told as it says.
	Remove(ctx context.Context, p Patch) (*unstructured.Unstructured, error)
}

// Patch says what to take out of which version of an object.
type Patch struct {
	APIVersion   string
	Key          object.Key
	UID, Version string
	// Pointers are JSON pointers, which count one after the other.
	Pointers []string
	// DryRun has the server say what it would do.
	DryRun bool
}

// Status is what became of one step.
type Status string

// The closed set of statuses.
const (
	Synced       Status = "Synced"
	Failed       Status = "Failed"
	Pruned       Status = "Pruned"
	PruneSkipped Status = "PruneSkipped"
	// Deferred steps were not tried: they wait for others.
	Deferred Status = "Deferred"
)

// Entry is the outcome of one step.
type Entry struct {
	Key     object.Key  `json:"key"`
	Action  plan.Action `json:"action"`
	Status  Status      `json:"status"`
	Message string      `json:"message,omitempty"`
	// Refused are the paths that the server does not let go, each with what it
	// says. The others of the step are gone.
	Refused map[string]string `json:"refused,omitempty"`
	// Changed says that the object was changed since the plan was made, so that
	// nothing was removed from it: what is to be removed may stand elsewhere.
	Changed bool `json:"changed,omitempty"`
	// Live is the object as the cluster stored it.
	Live *unstructured.Unstructured `json:"-"`
	err  error
}

// Result holds one entry per step, in the plan's order.
type Result struct {
	Entries []Entry `json:"entries"`
	DryRun  bool    `json:"dryRun,omitempty"`
	err     error
}

// Err joins all that went wrong, each with the object's key; nil means that
// everything that was due is done.
func (r Result) Err() error {
	var all []error
	for _, e := range r.Entries {
		if e.err != nil {
			all = append(all, e.err)
		}
	}
	return errors.Join(append(all, r.err)...)
}

// Count counts the entries with a status.
func (r Result) Count(s Status) int {
	n := 0
	for _, e := range r.Entries {
		if e.Status == s {
			n++
		}
	}
	return n
}

// Options say how to run a plan.
type Options struct {
	// Parallel bounds the steps under way at one time; 0 means 8.
	Parallel int
	// DryRun calls no Writer.
	DryRun bool
}

const defaultParallel = 8

// Execute runs the steps of p that are due. It returns when every call to w
// has; cancelling ctx keeps it from starting new ones.
func Execute(ctx context.Context, w Writer, p plan.Plan, o Options) Result {
	if len(p.Refusals) > 0 {
		return refused(p)
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	run := runner{writer: w, options: o, done: map[stepID]Entry{}}
	stopped := ""
	for i, g := range p.Groups() {
		if stopped == "" && i > 0 {
			stopped = run.barred(g)
		}
		if stopped == "" && ctx.Err() != nil {
			stopped = "not started: " + context.Cause(ctx).Error()
			run.err = fmt.Errorf("sync %s: %w", p.App, context.Cause(ctx))
		}
		if stopped != "" {
			run.skip(g, stopped)
			continue
		}
		run.group(ctx, g)
	}
	return run.result(p)
}

// refused reports every step as not tried, with the reasons.
func refused(p plan.Plan) Result {
	var r Result
	var all []error
	for _, f := range p.Refusals {
		all = append(all, fault.New(fault.Denied, "%s: %s", f.Reason, f.Message))
	}
	r.err = errors.Join(all...)
	for _, s := range p.Steps {
		r.Entries = append(r.Entries, Entry{Key: s.Key, Action: s.Action, Status: Deferred, Message: "the plan is refused"})
	}
	return r
}

// stepID tells a delete from an apply of the same key.
type stepID struct {
	action plan.Action
	key    object.Key
}

func idOf(s plan.Step) stepID { return stepID{s.Action, s.Key} }

type runner struct {
	writer  Writer
	options Options
	done    map[stepID]Entry
	// failed is the wave of the first failure, where there is one.
	failed *int
	err    error
}

// barred says why a group may not start after what happened before it.
func (r *runner) barred(g plan.Group) string {
	switch {
	case r.failed == nil:
		return ""
	case g.Prune:
		return "nothing is deleted after a failure"
	case g.Wave > *r.failed:
		return fmt.Sprintf("wave %d failed", *r.failed)
	}
	return ""
}

func (r *runner) skip(g plan.Group, why string) {
	for _, s := range g.Steps {
		r.done[idOf(s)] = Entry{Key: s.Key, Action: s.Action, Status: Deferred, Message: why}
	}
}

// group runs the steps at the same time, at most Parallel of them, and waits
// for all it started.
func (r *runner) group(ctx context.Context, g plan.Group) {
	entries := make([]Entry, len(g.Steps))
	var all errgroup.Group
	all.SetLimit(r.options.Parallel)
	for i, s := range g.Steps {
		all.Go(func() error {
			entries[i] = r.step(ctx, s)
			return nil // an entry tells its own failure
		})
	}
	_ = all.Wait()
	for i, e := range entries {
		r.done[idOf(g.Steps[i])] = e
		if e.Status == Failed && r.failed == nil {
			r.failed = &g.Wave
		}
	}
}

func (r *runner) step(ctx context.Context, s plan.Step) Entry {
	e := Entry{Key: s.Key, Action: s.Action}
	if err := ctx.Err(); err != nil {
		e.Status, e.Message = Deferred, "not started: "+err.Error()
		e.err = fmt.Errorf("%s %s: %w", s.Action, s.Key, err)
		return e
	}
	if s.Action == plan.Prune {
		return r.prune(ctx, s, e)
	}
	if r.options.DryRun {
		e.Status, e.Message = Synced, "dry run"
		return e
	}
	if e.Status = Synced; len(s.Remove) > 0 {
		if err := r.remove(ctx, s, &e); err != nil {
			return failed(e, err)
		}
	}
	if s.Object == nil {
		return e
	}
	live, err := r.writer.Apply(ctx, s.Object.DeepCopy())
	if err != nil {
		if s.Origin != "" {
			err = fmt.Errorf("%s: %w", s.Origin, err)
		}
		return failed(e, err)
	}
	e.Live = live
	return e
}

func (r *runner) prune(ctx context.Context, s plan.Step, e Entry) Entry {
	if s.UID == "" {
		return failed(e, fault.New(fault.Invalid, "the plan does not name the object's UID"))
	}
	if r.options.DryRun {
		e.Status, e.Message = Pruned, "dry run"
		return e
	}
	err := r.writer.Delete(ctx, s.Key, s.UID)
	switch {
	case err == nil:
		e.Status = Pruned
	case fault.Of(err) == fault.Missing:
		e.Status, e.Message = Pruned, "it was gone already"
	case fault.Of(err) == fault.Conflict:
		e.Status, e.Message = PruneSkipped, "another object has taken its name: "+err.Error()
	default:
		return failed(e, err)
	}
	return e
}

func failed(e Entry, err error) Entry {
	e.Status, e.Message = Failed, err.Error()
	e.err = fmt.Errorf("%s %s: %w", e.Action, e.Key, err)
	return e
}

// result puts the entries in the plan's order and adds the steps that were
// never due.
func (r *runner) result(p plan.Plan) Result {
	out := Result{DryRun: r.options.DryRun, err: r.err}
	for _, s := range p.Steps {
		e, ok := r.done[idOf(s)]
		switch {
		case ok:
		case s.Action == plan.Keep:
			e = Entry{Key: s.Key, Action: s.Action, Status: PruneSkipped, Message: s.Reason}
		default:
			e = Entry{Key: s.Key, Action: s.Action, Status: Deferred, Message: s.Reason}
		}
		out.Entries = append(out.Entries, e)
	}
	return out
}
