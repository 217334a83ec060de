package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// turn is one look at a set: gather, plan, remember, act, tell.
type turn struct {
	sets *ApplicationSets
	set  *v1alpha1.ApplicationSet
	now  time.Time
	// after is when to look again even if nothing happens; 0 is never.
	after time.Duration
}

func (t *turn) run(ctx context.Context) error {
	if err := t.prepare(ctx); err != nil {
		return err
	}
	in, err := t.gather(ctx)
	if err != nil {
		return err
	}
	plan := lifecycle.Make(ctx, in)
	steps := t.steps(ctx, in, &plan)
	// What comes of an answer is never older than the memory of the answer, and
	// no sync is asked for that the steps do not know of.
	ahead := t.set.Status.DeepCopy()
	ahead.Generators, ahead.DeletionWindow = plan.Generators, plan.Window
	if steps != nil {
		ahead.ApplicationStatus = steps.Applications
	}
	if !plan.Empty() || steps != nil && len(steps.Sync) > 0 {
		if err := t.write(ctx, *ahead); err != nil {
			return err
		}
		in.Set = t.set
	}
	t.announce(&plan)
	failures := t.act(ctx, &plan)
	if steps != nil {
		failures = append(failures, t.ask(ctx, in.Owned, steps.Sync)...)
	}
	failure := joined(failures)
	if raced(failure) {
		return failure // nobody has to be told
	}
	outcome := lifecycle.Outcome{Failed: failure}
	if steps != nil {
		outcome.Rollout = &lifecycle.Rollout{Applications: steps.Applications, Progressing: steps.Progressing, Message: steps.Message}
	}
	err = t.write(ctx, lifecycle.Status(in, &plan, outcome))
	if err == nil && plan.Spent != "" {
		err = t.spend(ctx, plan.Spent)
	}
	if err == nil {
		err = failure
	}
	return err
}

// The annotations that have a set expanded anew, Argo CD's and ours.
const setRefresh = "argocd.argoproj.io/application-set-refresh"

// orderFinalizer keeps a set until its applications are gone in the order of
// its steps.
const orderFinalizer = "trueup.dev/deletion-order"

// prepare settles what the set's own metadata needs: the finalizer of those
// that delete in order, and requests to expand anew, which count once.
func (t *turn) prepare(ctx context.Context) error {
	next := t.set.DeepCopy()
	switch s := next.Spec.Strategy; {
	case lifecycle.Rolls(next) && s.DeletionOrder == "Reverse":
		controllerutil.AddFinalizer(next, orderFinalizer)
	case next.Malformed == "": // else its strategy may be what cannot be read
		controllerutil.RemoveFinalizer(next, orderFinalizer)
	}
	refreshed := false
	for _, name := range []string{setRefresh, ownRefresh} {
		if _, ok := next.Annotations[name]; ok {
			delete(next.Annotations, name)
			refreshed = true
		}
	}
	if refreshed {
		t.sets.expansions.outdate(client.ObjectKeyFromObject(next))
	}
	return t.patch(ctx, next)
}

// patch writes the set's metadata where it changed.
func (t *turn) patch(ctx context.Context, next *v1alpha1.ApplicationSet) error {
	if equality.Semantic.DeepEqual(t.set.ObjectMeta, next.ObjectMeta) {
		return nil
	}
	if err := t.sets.Client.Patch(ctx, next, client.MergeFromWithOptions(t.set, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("update ApplicationSet %s: %w", t.set.Name, err)
	}
	t.set = next
	return nil
}

// spend takes off a confirmation.
func (t *turn) spend(ctx context.Context, digest string) error {
	next := t.set.DeepCopy()
	if next.Annotations[v1alpha1.ConfirmDeletion] != digest {
		return nil
	}
	delete(next.Annotations, v1alpha1.ConfirmDeletion)
	return t.patch(ctx, next)
}

// write stores a status that is another one than before.
func (t *turn) write(ctx context.Context, status v1alpha1.ApplicationSetStatus) error {
	if equality.Semantic.DeepEqual(t.set.Status, status) {
		return nil
	}
	next := t.set.DeepCopy()
	next.Status = status
	if err := t.sets.Client.Status().Patch(ctx, next, client.MergeFromWithOptions(t.set, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("write the status of ApplicationSet %s: %w", t.set.Name, err)
	}
	next.Status = status // as we know it, whatever the server left out
	t.set = next
	return nil
}

// soon has the set looked at no later than after this time.
func (t *turn) soon(after time.Duration) {
	if after = max(after, time.Millisecond); t.after == 0 || after < t.after {
		t.after = after
	}
}

// gather reads all that a plan depends on.
func (t *turn) gather(ctx context.Context) (lifecycle.Input, error) {
	s, set := t.sets, t.set
	in := lifecycle.Input{Set: set, Agent: s.Agent, Now: t.now}
	var err error
	if in.Owned, err = t.owned(ctx); err != nil {
		return in, err
	}
	if in.Err = lifecycle.CheckSettings(set); in.Err != nil {
		return in, nil
	}
	e := s.expand(ctx, set, t.now)
	if !e.due.IsZero() {
		t.soon(e.due.Sub(t.now))
	}
	in.Result, in.Err = e.result, e.err
	if in.Err != nil {
		return in, nil
	}
	if s.World.Clusters != nil {
		clusters, err := s.World.Clusters.Clusters(ctx)
		if err != nil {
			return in, fmt.Errorf("list the clusters for ApplicationSet %s: %w", set.Name, err)
		}
		in.Known.Clusters = append([]appset.Cluster{}, clusters...) // none is an answer, too
	}
	if in.Known.Projects, err = s.projects(ctx); err != nil {
		return in, err
	}
	in.Others, err = s.others(ctx, &in)
	return in, err
}

// owned lists the applications that the set controls. They are the cache's
// own: nobody may change them.
func (t *turn) owned(ctx context.Context) ([]v1alpha1.Application, error) {
	var list v1alpha1.ApplicationList
	err := t.sets.Client.List(ctx, &list, client.InNamespace(t.set.Namespace), client.MatchingFields{ownerIndex: string(t.set.UID)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list the applications of ApplicationSet %s: %w", t.set.Name, err)
	}
	return list.Items, nil
}

func (s *ApplicationSets) projects(ctx context.Context) (map[string]bool, error) {
	var list v1alpha1.ProjectList
	if err := s.Client.List(ctx, &list, client.InNamespace(s.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	out := make(map[string]bool, len(list.Items))
	for i := range list.Items {
		out[list.Items[i].Name] = true
	}
	return out, nil
}

// others are the applications that have a wanted name and are not the set's.
func (s *ApplicationSets) others(ctx context.Context, in *lifecycle.Input) (map[string]v1alpha1.Application, error) {
	mine := make(map[string]bool, len(in.Owned))
	for i := range in.Owned {
		mine[in.Owned[i].Name] = true
	}
	out := map[string]v1alpha1.Application{}
	for i := range in.Result.Applications {
		name := in.Result.Applications[i].Name
		if mine[name] {
			continue
		}
		var app v1alpha1.Application
		err := s.Client.Get(ctx, client.ObjectKey{Namespace: in.Set.Namespace, Name: name}, &app)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("look for application %s: %w", name, err)
		}
		if err == nil {
			out[name] = app
		}
	}
	return out, nil
}
