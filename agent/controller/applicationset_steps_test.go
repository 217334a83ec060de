package controller

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/rollout"
	"github.com/trueup-dev/trueup/reconcile"
)

// rolling is a set of dev and prod that syncs one after the other.
func rolling() *v1alpha1.ApplicationSet {
	set := shop("dev", "prod")
	set.Spec.Template.Labels = map[string]string{"env": "{{ .name }}"}
	set.Spec.Template.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: true}}
	set.Spec.Strategy = &v1alpha1.ApplicationSetStrategy{Type: lifecycle.RollingSync, DeletionOrder: "Reverse", RollingSync: &v1alpha1.ApplicationSetRolloutStrategy{}}
	for _, env := range []string{"dev", "prod"} {
		set.Spec.Strategy.RollingSync.Steps = append(set.Spec.Strategy.RollingSync.Steps, v1alpha1.ApplicationSetRolloutStep{
			MatchExpressions: []v1alpha1.ApplicationMatchExpression{{Key: "env", Operator: "In", Values: []string{env}}},
		})
	}
	return set
}

// change writes an application as the agent's other half does.
func (b *bench) change(name string, do func(*v1alpha1.Application)) {
	b.t.Helper()
	app := &v1alpha1.Application{}
	if err := b.store.Get(b.t.Context(), client.ObjectKey{Namespace: "trueup", Name: name}, app); err != nil {
		b.t.Fatal(err)
	}
	do(app)
	status := app.Status
	if err := b.store.Update(b.t.Context(), app); err != nil {
		b.t.Fatal(err)
	}
	app.Status = status
	if err := b.store.Status().Update(b.t.Context(), app); err != nil {
		b.t.Fatal(err)
	}
}

func shows(sync v1alpha1.SyncStatusCode, health, digest string) func(*v1alpha1.Application) {
	return func(app *v1alpha1.Application) {
		app.Operation = nil
		app.Status.Sync.Status, app.Status.Sync.Digest, app.Status.Health.Status = sync, digest, health
		app.Status.ObservedGeneration = app.Generation
	}
}

// requested looks once and gives the applications that are asked to sync.
func (b *bench) requested() []string {
	b.t.Helper()
	if _, err := b.look(); err != nil {
		b.t.Fatal(err)
	}
	var list v1alpha1.ApplicationList
	if err := b.store.List(b.t.Context(), &list); err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, app := range list.Items {
		if app.Operation != nil {
			out = append(out, app.Name)
			if !app.Operation.Sync.Prune || !app.Operation.InitiatedBy.Automated {
				b.t.Errorf("the operation of %s reads %+v", app.Name, app.Operation)
			}
		}
	}
	return out
}

func TestSteps(t *testing.T) {
	t.Parallel()
	b := newBench(t, rolling())
	const differs, synced = v1alpha1.SyncStatusCodeOutOfSync, v1alpha1.SyncStatusCodeSynced
	expect := func(reason string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, b.requested()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", reason, diff)
		}
	}
	expect("applications that nobody compared yet are not synced")
	for _, name := range []string{"dev", "prod"} {
		b.change(name, shows(differs, "Missing", "one"))
	}
	expect("the first step goes", "dev")
	if !slices.Contains(b.set().Finalizers, orderFinalizer) {
		t.Errorf("the set has the finalizers %v", b.set().Finalizers)
	}
	b.change("dev", shows(synced, "Progressing", "one"))
	expect("the second step waits for health")
	b.change("dev", shows(synced, "Healthy", "one"))
	expect("then it goes", "prod")
	b.change("prod", shows(synced, "Healthy", "one"))
	expect("all is done")
	if set := b.set(); !apimeta.IsStatusConditionFalse(set.Status.Conditions, lifecycle.RolloutProgressing) || len(set.Status.ApplicationStatus) != 2 {
		t.Errorf("the status reads %+v", set.Status)
	}
	if got, err := b.look(); len(got) > 0 || err != nil {
		t.Errorf("at rest there is %v, %v", got, err)
	}

	// A commit: prod was compared with it, dev was not yet.
	unseen := map[string]bool{"dev": true}
	b.sets.Unseen = func(_ context.Context, app types.NamespacedName) bool { return unseen[app.Name] }
	b.change("prod", shows(differs, "Healthy", "two"))
	expect("an application with unseen news holds the step after it")
	delete(unseen, "dev")
	b.change("dev", shows(differs, "Healthy", "two"))
	expect("the commit starts over", "dev")

	// Leftovers hold a step only where the template prunes.
	leftover := func(app *v1alpha1.Application) {
		shows(differs, "Healthy", "two")(app)
		app.Status.Resources = []v1alpha1.ResourceStatus{{Kind: "ConfigMap", Name: "old", Status: differs, Message: reconcile.NotInGit}}
	}
	b.change("dev", leftover)
	app := &v1alpha1.Application{}
	if err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "trueup", Name: "dev"}, app); err != nil {
		t.Fatal(err)
	}
	if got := sight(app); got != "Differs" {
		t.Errorf("with pruning, leftovers are seen as %s", got)
	}
	app.Spec.SyncPolicy.Automated.Prune = false
	if got := sight(app); got != "Done" {
		t.Errorf("without pruning, leftovers are seen as %s", got)
	}
}

func TestReverseDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t, rolling())
	for range 2 {
		if _, err := b.look(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.store.Delete(t.Context(), b.set()); err != nil {
		t.Fatal(err)
	}
	var order []string
	for range 10 {
		got, err := b.look()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range got {
			if name, ok := strings.CutPrefix(w, "delete "); ok {
				order = append(order, name)
				b.change(name, func(app *v1alpha1.Application) { app.Finalizers = []string{"example.com/objects"} })
				if again, err := b.look(); err != nil || len(again) > 0 {
					t.Errorf("while %s goes there is %v, %v", name, again, err)
				}
				gone := &v1alpha1.Application{}
				if err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "trueup", Name: name}, gone); err != nil {
					t.Fatal(err)
				}
				gone.Finalizers = nil
				if err := b.store.Update(t.Context(), gone); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "trueup", Name: "shop"}, &v1alpha1.ApplicationSet{}); apierrors.IsNotFound(err) {
			break
		}
	}
	if diff := cmp.Diff([]string{"prod", "dev"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := b.store.Get(t.Context(), client.ObjectKey{Namespace: "trueup", Name: "shop"}, &v1alpha1.ApplicationSet{}); !apierrors.IsNotFound(err) {
		t.Errorf("the set is still there: %v", err)
	}
}

// TestMovedToAnotherCluster: the same objects in another cluster are synced
// there, whatever the step of the application was before.
func TestMovedToAnotherCluster(t *testing.T) {
	t.Parallel()
	servers := []v1alpha1.ApplicationDestination{{Server: "https://old"}, {Server: "https://new"}}
	names := []v1alpha1.ApplicationDestination{{Name: "old"}, {Name: "new"}}
	for name, to := range map[string][]v1alpha1.ApplicationDestination{"server": servers, "name": names, "server to name": {servers[0], names[1]}} {
		for _, was := range []rollout.State{rollout.Waiting, rollout.Pending, rollout.Progressing, rollout.Healthy} {
			set := rolling()
			app := v1alpha1.Application{}
			app.Name, app.Labels = "dev", map[string]string{"env": "dev"}
			app.Spec.Destination = to[0]
			shows(v1alpha1.SyncStatusCodeSynced, "Healthy", "one")(&app)
			now := time.Now()
			look := func(p lifecycle.Plan, previous ...v1alpha1.ApplicationSetApplicationStatus) rollout.Output {
				now = now.Add(time.Hour)
				return rollout.Next(rollout.Input{Strategy: set.Spec.Strategy, Previous: previous, Now: now, Applications: observed([]v1alpha1.Application{app}, &p)})
			}
			before := look(lifecycle.Plan{}).Applications[0]
			before.Status = string(was)
			moved := *app.DeepCopy()
			moved.Spec.Destination, moved.Generation = to[1], app.Generation+1
			out := look(lifecycle.Plan{Update: []lifecycle.Update{{From: app, To: moved}}}, before)
			app = moved
			out = look(lifecycle.Plan{}, out.Applications...)
			if len(out.Sync) > 0 {
				t.Errorf("%s, %s: it is synced before it was compared with its new cluster", name, was)
			}
			shows(v1alpha1.SyncStatusCodeOutOfSync, "Missing", "one")(&app)
			out = look(lifecycle.Plan{}, out.Applications...)
			if got := out.Applications[0]; !slices.Equal(out.Sync, []string{"dev"}) || got.Attempts != 1 || !out.Progressing {
				t.Errorf("%s, %s: got the syncs %v, and %+v", name, was, out.Sync, got)
			}
			out = look(lifecycle.Plan{}, out.Applications...)
			if got := out.Applications[0]; got.Status == string(rollout.Healthy) {
				t.Errorf("%s, %s: got %+v", name, was, got)
			}
		}
	}
}
