package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// Finalizers by which an application's objects are deleted with it.
const (
	OwnFinalizer = "trueup.dev/resources"
	refresh      = "argocd.argoproj.io/refresh"
	ownRefresh   = "trueup.dev/refresh"
)

// Repositories is told who uses which repository, and knows which cannot be
// reached.
type Repositories interface {
	// UseAll notes the repositories that somebody depends on, in place of
	// those noted before.
	UseAll(who types.NamespacedName, urls []string)
	Err(url string) error
	// Now has a repository that is in use asked for news at once.
	Now(url string) bool
}

// Applications reconciles applications.
type Applications struct {
	Client       client.Client
	Flow         *reconcile.Flow
	Repositories Repositories
	// Sweep is how often everything is fetched and compared anew, in case a
	// watch missed something; 0 is never. Applications take turns.
	Sweep   time.Duration
	Workers int
	// Events may be nil.
	Events events.EventRecorder

	waker

	memoriesMu sync.Mutex
	memories   map[string]*entry // by tracking id
}

// entry is what is kept of one application.
type entry struct {
	name   types.NamespacedName
	memory reconcile.Memory
	// written is the last version that we wrote: the cache may be behind.
	written *v1alpha1.Application
	// sweep is when everything is fetched and compared anew.
	sweep time.Time
	// cut off: the status says that the repository cannot be reached.
	cutOff atomic.Bool
	urls   atomic.Pointer[[]string]
}

// SetUp registers the controller.
func (a *Applications) SetUp(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("application").
		For(&v1alpha1.Application{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&v1alpha1.Project{}, handler.EnqueueRequestsFromMapFunc(a.ofProject), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(a.source()).
		WithOptions(ctrlcontroller.Options{MaxConcurrentReconciles: a.Workers}).
		Complete(a)
}

// ofProject names the applications of a project: what they may do changed.
func (a *Applications) ofProject(ctx context.Context, project client.Object) []ctrl.Request {
	var list v1alpha1.ApplicationList
	if err := a.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache answers; what it lacks it will tell as an event
	}
	var out []ctrl.Request
	for i := range list.Items {
		if app := &list.Items[i]; limits.NameOf(app) == project.GetName() {
			out = append(out, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(app)})
		}
	}
	return out
}

// settling is the time in which changes of an object's status are taken as
// one.
const settling = 250 * time.Millisecond

// See takes in what a watch tells of an application's object.
func (a *Applications) See(app string, s reconcile.Sighting) {
	a.memoriesMu.Lock()
	e := a.memories[app]
	a.memoriesMu.Unlock()
	if e == nil {
		return
	}
	switch e.memory.Notice(s) {
	case reconcile.Now:
		a.Wake(e.name)
	case reconcile.Soon:
		a.WakeAfter(e.name, settling)
	case reconcile.Never:
	}
}

// WakeID has an application looked at, by its tracking id.
func (a *Applications) WakeID(app string) {
	a.memoriesMu.Lock()
	e := a.memories[app]
	a.memoriesMu.Unlock()
	if e != nil {
		a.Wake(e.name)
	}
}

// Touched tells whether an application must be looked at because a repository
// that it uses changed, or can be reached again, or not any more.
func (a *Applications) Touched(ctx context.Context, name types.NamespacedName) bool {
	a.memoriesMu.Lock()
	e := a.memories[a.Flow.IDOf(name.Namespace, name.Name)]
	a.memoriesMu.Unlock()
	if e == nil || e.urls.Load() == nil {
		return true
	}
	if cutOff := a.unreachable(*e.urls.Load()) != nil; cutOff != e.cutOff.Load() {
		return true
	}
	return a.Flow.Touched(ctx, &e.memory)
}

func (a *Applications) entryOf(app *v1alpha1.Application) *entry {
	a.memoriesMu.Lock()
	defer a.memoriesMu.Unlock()
	id := a.Flow.ID(app)
	if a.memories == nil {
		a.memories = map[string]*entry{}
	}
	if a.memories[id] == nil {
		a.memories[id] = &entry{name: client.ObjectKeyFromObject(app)}
	}
	return a.memories[id]
}

func (a *Applications) forget(ctx context.Context, name types.NamespacedName) {
	a.Repositories.UseAll(name, nil)
	id := a.Flow.IDOf(name.Namespace, name.Name)
	if a.Flow.Audit != nil {
		a.Flow.Audit.Writes(ctx, id, nil, nil)
	}
	a.memoriesMu.Lock()
	e := a.memories[id]
	delete(a.memories, id)
	a.memoriesMu.Unlock()
	if e != nil {
		a.Flow.Deleted(ctx, name.Namespace, name.Name, &e.memory)
	}
}

// Reconcile implements reconcile.Reconciler of controller-runtime.
func (a *Applications) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	app := &v1alpha1.Application{}
	if err := a.Client.Get(ctx, req.NamespacedName, app); err != nil {
		if apierrors.IsNotFound(err) {
			a.forget(ctx, req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, err
	}
	e := a.entryOf(app)
	app = e.latest(app)
	if !app.DeletionTimestamp.IsZero() {
		return a.tearDown(ctx, app, e)
	}
	urls := e.memory.Repositories(app)
	a.Repositories.UseAll(req.NamespacedName, urls)
	refreshed := app.Annotations[refresh] != "" || app.Annotations[ownRefresh] != ""
	if due := e.due(a.Flow.Now(), a.Sweep); refreshed || due {
		e.memory.Recheck()
	}
	if refreshed {
		for _, url := range urls {
			a.Repositories.Now(url)
		}
	}
	out := a.Flow.Run(ctx, app, &e.memory)
	// What files name beyond the application's own sources is known by now.
	urls = e.memory.Repositories(app)
	a.Repositories.UseAll(req.NamespacedName, urls)
	e.cutOff.Store(a.reachable(urls, app, &out.Status))
	e.urls.Store(&urls)
	if out.Err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Info("application cannot be compared", "error", out.Err.Error())
	}
	if err := a.write(ctx, app, e, out); err != nil {
		return ctrl.Result{}, fmt.Errorf("write the status of %s: %w", req, err)
	}
	return ctrl.Result{RequeueAfter: e.after(out.After, a.Flow.Now())}, nil
}

// latest is the newer one of what the cache holds and what we wrote.
func (e *entry) latest(cached *v1alpha1.Application) *v1alpha1.Application {
	w := e.written
	if w == nil || w.UID != cached.UID || w.Generation < cached.Generation {
		return cached.DeepCopy()
	}
	app := cached.DeepCopy()
	app.Status = *w.Status.DeepCopy()
	if w.Generation > cached.Generation {
		app.Operation = w.Operation
	}
	return app
}

// unreachable joins why repositories cannot be asked for news.
func (a *Applications) unreachable(urls []string) error {
	var failures []error
	for _, url := range urls {
		failures = append(failures, a.Repositories.Err(url))
	}
	return errors.Join(failures...)
}

// reachable adds a condition while a repository cannot be asked for news, and
// tells whether it did.
func (a *Applications) reachable(urls []string, app *v1alpha1.Application, status *v1alpha1.ApplicationStatus) (cutOff bool) {
	err := a.unreachable(urls)
	if err == nil {
		return false
	}
	c := metav1.Condition{
		Type: "RepositoryUnreachable", Status: metav1.ConditionTrue, Reason: "PollFailed", ObservedGeneration: app.Generation,
		Message: "the last known commit stays in force: " + err.Error(), LastTransitionTime: metav1.Now(),
	}
	if old := apimeta.FindStatusCondition(app.Status.Conditions, c.Type); old != nil {
		c.LastTransitionTime = old.LastTransitionTime
	}
	status.Conditions = append(status.Conditions, c)
	return true
}

// write stores what changed, and nothing where nothing did. The status is first:
// who waits for an operation to be gone finds what became of it.
func (a *Applications) write(ctx context.Context, app *v1alpha1.Application, e *entry, out reconcile.Outcome) error {
	next := app.DeepCopy()
	next.Status = out.Status
	if !equality.Semantic.DeepEqual(app.Status, next.Status) {
		if err := a.Client.Status().Patch(ctx, next, client.MergeFrom(app)); err != nil {
			return client.IgnoreNotFound(err)
		}
		a.announce(next, app.Status)
	}
	e.written = next
	next = next.DeepCopy()
	done := out.Done && next.Operation != nil
	if done {
		next.Operation = nil
	}
	delete(next.Annotations, refresh)
	delete(next.Annotations, ownRefresh)
	if done || len(next.Annotations) != len(e.written.Annotations) {
		if err := a.Client.Patch(ctx, next, client.MergeFrom(e.written)); err != nil {
			return client.IgnoreNotFound(err)
		}
	}
	e.written = next
	return nil
}

// maxNote bounds the text of an event: the API takes 1024 bytes.
const maxNote = 1000

// announce makes an event of acceptances that have expired since, and of each
// fight that has begun.
func (a *Applications) announce(app *v1alpha1.Application, old v1alpha1.ApplicationStatus) {
	if a.Events == nil {
		return
	}
	for _, fight := range reconcile.NewFights(old.Drift, app.Status.Drift) {
		note := reconcile.FightText(fight)
		a.Events.Eventf(app, nil, corev1.EventTypeWarning, reconcile.DriftFight, "sync", "%s", strings.ToValidUTF8(note[:min(len(note), maxNote)], ""))
	}
	now := apimeta.FindStatusCondition(app.Status.Conditions, reconcile.DriftAcceptanceExpired)
	if now == nil {
		return
	}
	if before := apimeta.FindStatusCondition(old.Conditions, now.Type); before == nil || before.Message != now.Message {
		a.Events.Eventf(app, nil, corev1.EventTypeWarning, now.Type, "compare", "%s", strings.ToValidUTF8(now.Message[:min(len(now.Message), maxNote)], ""))
	}
}

// Intend writes down what a sync is about to create.
func (a *Applications) Intend(ctx context.Context, app *v1alpha1.Application, status v1alpha1.ApplicationStatus) error {
	next := app.DeepCopy()
	next.Status = status
	if err := a.Client.Status().Patch(ctx, next, client.MergeFrom(app)); err != nil {
		return err
	}
	app.Status, app.ResourceVersion = next.Status, next.ResourceVersion
	return nil
}

// tearDown deletes an application's objects before it goes, where it has one
// of the finalizers that ask for it.
func (a *Applications) tearDown(ctx context.Context, app *v1alpha1.Application, e *entry) (ctrl.Result, error) {
	next := app.DeepCopy()
	mine := false
	for _, f := range []string{OwnFinalizer, appset.Finalizer, appset.Finalizer + "/background", appset.Finalizer + "/foreground"} {
		mine = controllerutil.RemoveFinalizer(next, f) || mine
	}
	if !mine {
		return ctrl.Result{}, nil
	}
	left, err := a.Flow.Teardown(ctx, app, &e.memory)
	if err != nil {
		return ctrl.Result{}, err
	}
	if left > 0 {
		return ctrl.Result{RequeueAfter: time.Second}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(a.Client.Patch(ctx, next, client.MergeFrom(app)))
}
