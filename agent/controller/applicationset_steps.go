package controller

import (
	"cmp"
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/rollout"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/reconcile"
)

// unseenRetry is when to look again at a rollout that waits for applications
// to be compared with news: that may change nothing that would wake the set.
const unseenRetry = 2 * time.Second

// steps finds where a rolling sync is; nil where the set does not sync step by
// step.
func (t *turn) steps(ctx context.Context, in lifecycle.Input, p *lifecycle.Plan) *rollout.Output {
	if !lifecycle.Rolls(t.set) || rollout.Check(t.set.Spec.Strategy) != nil {
		return nil
	}
	next := rollout.Input{Strategy: t.set.Spec.Strategy, Previous: t.set.Status.ApplicationStatus, Now: t.now, Applications: observed(in.Owned, p)}
	out := rollout.Next(next)
	if len(out.Sync) > 0 && t.sets.Unseen != nil {
		// Only now does it matter whether somebody has news that is not in any
		// status yet: an earlier step may have become due by the same commit.
		unseen := false
		for i := range next.Applications {
			app := &next.Applications[i]
			if app.Sight != rollout.Stale && t.sets.Unseen(ctx, types.NamespacedName{Namespace: t.set.Namespace, Name: app.Name}) {
				app.Sight, unseen = rollout.Stale, true
			}
		}
		if unseen {
			out = rollout.Next(next)
			t.soon(unseenRetry)
		}
	}
	if out.After > 0 {
		t.soon(out.After)
	}
	return &out
}

// observed is what the machine sees of a set's applications, once a plan is
// done.
func observed(owned []v1alpha1.Application, p *lifecycle.Plan) []rollout.Application {
	gone, changed := map[string]bool{}, map[string]*v1alpha1.Application{}
	for i := range p.Delete {
		gone[p.Delete[i].Name] = true
	}
	for i := range p.Update {
		changed[p.Update[i].To.Name] = &p.Update[i].To
	}
	var out []rollout.Application
	for i := range owned {
		app := &owned[i]
		if gone[app.Name] || !app.DeletionTimestamp.IsZero() {
			continue
		}
		one := observe(app)
		if next := changed[app.Name]; next != nil {
			one.Labels, one.Sight = next.Labels, rollout.Stale
		}
		out = append(out, one)
	}
	for i := range p.Create {
		out = append(out, rollout.Application{Name: p.Create[i].Name, Labels: p.Create[i].Labels, Sight: rollout.Stale})
	}
	return out
}

func observe(app *v1alpha1.Application) rollout.Application {
	st := &app.Status
	out := rollout.Application{
		Name: app.Name, Labels: app.Labels, Health: st.Health.Status, Digest: targetDigest(app), Revisions: st.Sync.Revisions, Sight: sight(app),
	}
	if st.Sync.Revision != "" {
		out.Revisions = []string{st.Sync.Revision}
	}
	if o := st.OperationState; o != nil {
		out.Last = rollout.Operation{Failed: o.Phase == "Failed" || o.Phase == "Error", Message: o.Message, Started: o.StartedAt.Time}
		if o.FinishedAt != nil {
			out.Last.Finished = o.FinishedAt.Time
		}
	}
	if p := app.Spec.SyncPolicy; p != nil {
		out.SelfHeal = p.Automated != nil && p.Automated.SelfHeal
		if p.Retry != nil && p.Retry.Backoff != nil {
			out.Retry.Base, _ = time.ParseDuration(p.Retry.Backoff.Duration) // what cannot be read is the default
			out.Retry.Max, _ = time.ParseDuration(p.Retry.Backoff.MaxDuration)
		}
	}
	return out
}

// targetDigest stands for the objects and for the cluster that they go to: the
// same objects in another cluster are another target. The namespace is in the
// objects.
func targetDigest(app *v1alpha1.Application) string {
	if app.Status.Sync.Digest == "" {
		return ""
	}
	to := app.Spec.Destination
	return app.Status.Sync.Digest + "@" + cmp.Or(to.Name, to.Server)
}

func sight(app *v1alpha1.Application) rollout.Sight {
	st := &app.Status
	switch {
	case app.Operation != nil:
		return rollout.Requested
	case st.OperationState != nil && st.OperationState.Phase == "Running":
		return rollout.Running
	case st.ObservedGeneration != app.Generation:
		return rollout.Stale
	case st.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync && (prunes(app) || !leftoversOnly(app)):
		return rollout.Differs
	case st.Sync.Status != v1alpha1.SyncStatusCodeSynced && st.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync:
		return rollout.Unknown
	case st.Health.Status == string(health.Healthy):
		return rollout.Done
	}
	return rollout.Unhealthy
}

// leftoversOnly reports an application that is out of sync by nothing but
// objects that Git has no more.
func leftoversOnly(app *v1alpha1.Application) bool {
	found := false
	for _, r := range app.Status.Resources {
		if r.Status != v1alpha1.SyncStatusCodeOutOfSync {
			continue
		}
		if r.Message != reconcile.NotInGit {
			return false
		}
		found = true
	}
	return found
}

func prunes(app *v1alpha1.Application) bool {
	p := app.Spec.SyncPolicy
	return p != nil && p.Automated != nil && p.Automated.Prune
}

// ask writes the operations by which applications are synced. It does not mind
// that somebody else changed one meanwhile: to sync twice costs little, and to
// find the next occasion takes a while.
func (t *turn) ask(ctx context.Context, owned []v1alpha1.Application, names []string) []error {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var apps []*v1alpha1.Application
	for i := range owned {
		if wanted[owned[i].Name] {
			apps = append(apps, &owned[i])
		}
	}
	return each(apps, func(app *v1alpha1.Application) error {
		next := app.DeepCopy()
		next.Operation = &v1alpha1.Operation{
			Sync:        &v1alpha1.SyncOperation{Prune: prunes(app)},
			InitiatedBy: v1alpha1.OperationInitiator{Username: "applicationset-controller", Automated: true},
		}
		return failed("ask for a sync of", app.Name, client.IgnoreNotFound(t.sets.Client.Patch(ctx, next, client.MergeFrom(app.DeepCopy()))))
	})
}
