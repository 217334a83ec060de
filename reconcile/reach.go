package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// reach is what a sync may change.
type reach struct {
	// drifted: only what somebody else changed, and of that only paths, where
	// there are any.
	drifted bool
	paths   []string
	// undeclared: what somebody added is removed.
	undeclared bool
}

// The words of spec.drift.
const (
	actionRevert     = "revert"
	actionReport     = "report"
	undeclaredRemove = "remove"
)

// heals reports whether drift is corrected without being asked, and whether
// that is all that is: then Git's own changes wait for somebody.
func heals(app *v1alpha1.Application) (heals, only bool) {
	action := ""
	if app.Spec.Drift != nil {
		action = app.Spec.Drift.Action
	}
	automated := app.Spec.SyncPolicy.IsAutomated()
	selfHeal := automated && app.Spec.SyncPolicy.Automated.SelfHeal
	switch action {
	case actionReport:
		return false, false
	case actionRevert:
		return true, !selfHeal
	}
	return selfHeal, false
}

// reachOf is what a sync of an application may change: op, where not nil, is
// what somebody asks for, and last the last sync of everything.
func reachOf(app *v1alpha1.Application, op *v1alpha1.Operation, digest string, last Attempt) reach {
	r := reach{undeclared: app.Spec.Drift != nil && app.Spec.Drift.Undeclared == undeclaredRemove}
	if op != nil {
		if op.Sync != nil {
			r.drifted, r.paths = op.Sync.Drifted, op.Sync.Paths
			r.undeclared = r.undeclared || op.Sync.Undeclared
		}
		return r
	}
	if _, only := heals(app); only {
		synced := last.Revision == digest && !last.Failed && !last.Unfinished
		r.drifted = synced || !app.Spec.SyncPolicy.IsAutomated()
	}
	return r
}

// Under reports a path that is one of some, or below one. No paths are all of
// them.
func Under(path string, all []string) bool {
	if len(all) == 0 {
		return true
	}
	return slices.ContainsFunc(all, func(top string) bool {
		rest, ok := strings.CutPrefix(path, top)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// prepared is an object that was read for a sync which changes a part of its
// differences.
type prepared struct {
	apply    *unstructured.Unstructured
	removals plan.Removals
}

// input is what the session's plan is made of: of what was seen, what it may
// change and did not try yet.
func (s *session) input(policy plan.Policy) plan.Input {
	in := s.view.input(s.flow.ID(s.app), policy, s.mem)
	policy = in.Policy
	in.Policy.Drifted, in.Policy.RemoveUndeclared = s.reach.drifted, s.reach.undeclared
	in.Absent, in.Removals = map[object.Key]bool{}, map[object.Key]plan.Removals{}
	if !s.reach.drifted && len(s.tried)+len(s.mem.fights.on) == 0 && len(s.prepared) == 0 {
		return in
	}
	chosen := s.chosen(policy)
	for i := range in.Report.Objects {
		o := &in.Report.Objects[i]
		key := o.Key()
		if o.State == drift.Missing {
			at := place{key, ""}
			in.Absent[key] = s.settled(at) || s.reach.drifted && !chosen[at]
			continue
		}
		o.Fields = slices.DeleteFunc(slices.Clone(o.Fields), func(f drift.Field) bool {
			at := place{key, f.Path}
			return s.settled(at) || s.reach.drifted && !chosen[at]
		})
	}
	for i, u := range in.Desired {
		key := object.KeyOf(u)
		if p, ok := s.prepared[key]; ok {
			in.Desired[i], in.Removals[key] = p.apply, p.removals
		}
	}
	return in
}

// blame notes what somebody else changed.
func (s *session) blame(all []Drift) {
	for _, d := range all {
		s.foreign[d.place()] = true
	}
}

// settled reports a place that this session does nothing about: it is left
// alone, or was tried already.
func (s *session) settled(at place) bool {
	_, tried := s.tried[at]
	return tried || s.mem.fights.on[at]
}

// chosen are the differences that a sync of what is drifted takes away.
func (s *session) chosen(policy plan.Policy) map[place]bool {
	if !s.reach.drifted {
		return nil
	}
	out := map[place]bool{}
	for _, d := range s.view.Drift(s.app.Status, s.pending) {
		switch {
		case len(policy.Only) > 0 && !slices.Contains(policy.Only, d.Key):
		case d.Field == nil && len(s.reach.paths) > 0:
		case d.Field != nil && !Under(d.Field.Path, s.reach.paths):
		case d.Field != nil && d.Field.Class == drift.Undeclared && (!s.reach.undeclared || revert.Kept(*d.Field) != ""):
		default:
			out[d.place()] = true
		}
	}
	return out
}

// unprepared lists the objects of a plan that must be read before it is run:
// a part of their differences stays, or something is to be removed from them.
func (s *session) unprepared(p plan.Plan) []object.Key {
	var out []object.Key
	for _, step := range p.Steps {
		if step.Action != plan.Update || step.Deferred || s.view.Desired.hashes[step.Key] == "" {
			continue
		}
		removes := slices.ContainsFunc(step.Fields, func(f drift.Field) bool { return f.Class == drift.Undeclared })
		if _, done := s.prepared[step.Key]; !done && (removes || s.reach.drifted) {
			out = append(out, step.Key)
		}
	}
	return out
}

// prepare reads objects, compares them once more, and works out what to apply
// and what to remove.
func (s *session) prepare(ctx context.Context, keys []object.Key, policy plan.Policy) error {
	d := s.view.Desired
	wants := object.Index(d.Objects)
	live, err := s.read(ctx, keys)
	if err != nil {
		return err
	}
	if s.prepared == nil {
		s.prepared = map[object.Key]prepared{}
	}
	chosen := s.chosen(policy)
	j := s.judge()
	have := object.Index(live)
	for _, key := range keys {
		verdict := s.view.seen[key].verdict
		leaves := j.leaves(verdict)
		var added []drift.Field
		apply, ok := revert.Apply(wants[key], have[key], verdict, func(f drift.Field) revert.Leave {
			at := place{key, f.Path}
			if f.Class == drift.Undeclared && !s.settled(at) && (!s.reach.drifted || chosen[at]) && revert.Kept(f) == "" {
				added = append(added, f)
			}
			if s.reach.drifted && f.ToSync() && !chosen[at] {
				return revert.Untouched
			}
			return leaves(f)
		})
		if !ok {
			s.prepared[key] = prepared{apply: apply}
			s.giveUp(key, verdict, "it is live in another API version than in Git, so that a part of it cannot be changed alone")
			continue
		}
		p := prepared{apply: apply}
		if have[key] != nil && s.reach.undeclared {
			removals, lost := revert.Removals(wants[key], have[key], added)
			p.removals = plan.Removals{APIVersion: have[key].GetAPIVersion(), Version: have[key].GetResourceVersion(), Remove: removals}
			for _, path := range lost {
				s.tried[place{key, path}] = v1alpha1.FieldResult{Path: path, Status: fieldRefused, Message: "it does not lead to one place"}
			}
		}
		s.prepared[key] = p
	}
	return nil
}

// giveUp leaves an object as it is.
func (s *session) giveUp(key object.Key, verdict drift.Object, why string) {
	for _, f := range verdict.Fields {
		s.tried[place{key, f.Path}] = v1alpha1.FieldResult{Path: f.Path, Status: fieldRefused, Message: why}
	}
}

// read reads desired objects again and judges them.
func (s *session) read(ctx context.Context, keys []object.Key) ([]*unstructured.Unstructured, error) {
	versions := map[object.Key]schema.GroupVersionKind{}
	for _, u := range s.view.Desired.Objects {
		versions[object.KeyOf(u)] = u.GroupVersionKind()
	}
	live, failed := s.flow.fetch(ctx, s.view.cluster, keys, versions)
	if err := cmp.Or(ctx.Err(), failed.failure(keys, s.mem)); err != nil {
		return nil, fmt.Errorf("read live objects from cluster %s: %w", s.view.cluster.Name, err)
	}
	for key, err := range failed {
		s.mem.unknown(key, s.view.Desired.stamp(key), "it cannot be read: "+err.Error())
	}
	s.judge().all(ctx, live, slices.DeleteFunc(slices.Clone(keys), func(key object.Key) bool { return failed[key] != nil }))
	s.view.seen = s.mem.snapshot()
	return live, nil
}

func (s *session) judge() judge {
	return judge{flow: s.flow, cluster: s.view.cluster, desired: s.view.Desired, mem: s.mem}
}
