package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/rollout"
)

// writers is how many applications of one set are written at a time.
const writers = 8

// act does what a plan says, and tells what failed.
func (t *turn) act(ctx context.Context, p *lifecycle.Plan) []error {
	k := t.sets.Client
	return slices.Concat(
		each(p.Create, func(app v1alpha1.Application) error {
			return failed("create", app.Name, k.Create(ctx, app.DeepCopy()))
		}),
		each(p.Update, func(u lifecycle.Update) error {
			return failed("update", u.To.Name, k.Patch(ctx, u.To.DeepCopy(), client.MergeFromWithOptions(u.From.DeepCopy(), client.MergeFromWithOptimisticLock{})))
		}),
		t.remove(ctx, p.Delete),
	)
}

// remove deletes applications, these ones and none that came later.
func (t *turn) remove(ctx context.Context, apps []v1alpha1.Application) []error {
	return each(apps, func(app v1alpha1.Application) error {
		err := t.sets.Client.Delete(ctx, app.DeepCopy(), client.Preconditions{UID: new(app.UID)})
		return failed("delete", app.Name, client.IgnoreNotFound(err))
	})
}

// each does something to every element, several at a time, and gives what
// failed in the order of the elements.
func each[T any](all []T, do func(T) error) []error {
	failures := make([]error, len(all))
	var g errgroup.Group
	g.SetLimit(writers)
	for i := range all {
		g.Go(func() error {
			failures[i] = do(all[i])
			return nil
		})
	}
	_ = g.Wait() // failures holds them all, not only the first
	return slices.DeleteFunc(failures, func(err error) bool { return err == nil })
}

// raced reports an error that the next look mends: somebody was faster, or the
// cache is behind.
func raced(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }

// joined joins what failed. Races are left out beside real failures; alone,
// one stands for all.
func joined(failures []error) error {
	real := slices.DeleteFunc(slices.Clone(failures), raced)
	if len(real) == 0 && len(failures) > 0 {
		return failures[0]
	}
	return errors.Join(real...)
}

func failed(verb, app string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s application %s: %w", verb, app, err)
}

// announce tells people what is done and what is not.
func (t *turn) announce(p *lifecycle.Plan) {
	var updated []v1alpha1.Application
	for _, u := range p.Update {
		updated = append(updated, u.To)
	}
	for _, done := range []struct {
		reason, verb string
		apps         []v1alpha1.Application
	}{{"ApplicationsCreated", "create", p.Create}, {"ApplicationsUpdated", "update", updated}, {"ApplicationsDeleted", "delete", p.Delete}} {
		if len(done.apps) > 0 {
			t.event(corev1.EventTypeNormal, done.reason, done.verb, "%s %s", done.verb, named(done.apps))
		}
	}
	if p.Held != nil && (t.set.Status.Held == nil || t.set.Status.Held.Digest != p.Held.Digest) {
		t.event(corev1.EventTypeWarning, lifecycle.DeletionHeld, "hold", "%d deletions wait for a confirmation: %s", p.Held.Count, p.Held.Reason)
	}
	if p.Held != nil && p.Spent != "" {
		t.event(corev1.EventTypeWarning, "ConfirmationIgnored", "hold", "the confirmation %s is about other deletions than those that wait, %s", p.Spent, p.Held.Digest)
	}
	if p.Confirmed {
		t.event(corev1.EventTypeNormal, "DeletionConfirmed", "delete", "somebody confirmed %d deletions", len(p.Delete))
	}
}

func (t *turn) event(kind, reason, action, format string, args ...any) {
	if t.sets.Events != nil {
		t.sets.Events.Eventf(t.set, nil, kind, reason, action, format, args...)
	}
}

// named lists the first few names.
func named(apps []v1alpha1.Application) string {
	const most = 10
	var names []string
	for _, app := range apps[:min(len(apps), most)] {
		names = append(names, app.Name)
	}
	if more := len(apps) - len(names); more > 0 {
		return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// tearDown deletes the applications of a set that is being deleted in the
// order of its steps, and lets the set go when they are gone. Without an order
// the owner references do it all.
func (t *turn) tearDown(ctx context.Context) error {
	set := t.set
	if !controllerutil.ContainsFinalizer(set, orderFinalizer) {
		return nil
	}
	release := func() error {
		next := set.DeepCopy()
		controllerutil.RemoveFinalizer(next, orderFinalizer)
		return t.patch(ctx, next)
	}
	if controllerutil.ContainsFinalizer(set, metav1.FinalizerOrphanDependents) || !lifecycle.Rolls(set) {
		return release()
	}
	owned, err := t.owned(ctx)
	if err != nil {
		return err
	}
	labels := map[string]map[string]string{}
	for i := range owned {
		labels[owned[i].Name] = owned[i].Labels
	}
	groups := rollout.DeletionOrder(set.Spec.Strategy, labels)
	if len(groups) == 0 {
		return release()
	}
	var next []v1alpha1.Application
	for i := range owned {
		if app := &owned[i]; slices.Contains(groups[0], app.Name) && app.DeletionTimestamp.IsZero() {
			next = append(next, *app)
		}
	}
	return joined(t.remove(ctx, next))
}
