package controller

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/reconcile"
)

// ApplicationSets keeps the applications of each set as the set wants them.
type ApplicationSets struct {
	Client       client.Client
	World        appset.World
	Repositories Repositories
	// Agent is what counts for all sets.
	Agent lifecycle.Agent
	// Namespace is the agent's: projects are in it.
	Namespace string
	// Projects say what repositories sets of other namespaces may read; nil
	// permits them all.
	Projects reconcile.Projects
	// Unseen tells whether there is news that an application was not compared
	// with yet; nil knows of none.
	Unseen func(ctx context.Context, app types.NamespacedName) bool
	// Events is told what people should know; nil tells nobody.
	Events  events.EventRecorder
	Workers int

	waker
	expansions expansions
}

// SetUp registers the controller.
func (s *ApplicationSets) SetUp(mgr ctrl.Manager) error {
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.Application{}, ownerIndex, ownerOf); err != nil {
		return err
	}
	changed := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).Named("applicationset").
		For(&v1alpha1.ApplicationSet{}, builder.WithPredicates(changed)).
		Watches(&v1alpha1.Application{}, s.applications()).
		Watches(&v1alpha1.Project{}, handler.EnqueueRequestsFromMapFunc(s.all), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(s.clusters), builder.WithPredicates(clusterSecrets())).
		WatchesRawSource(s.source()).
		WithOptions(ctrlcontroller.Options{MaxConcurrentReconciles: max(s.Workers, 1)}).
		Complete(s)
}

// setPrefix tells sets from applications among those who use repositories.
const setPrefix = "applicationset:"

// SetName is the set behind a name that was given to Repositories.
func SetName(who types.NamespacedName) (types.NamespacedName, bool) {
	name, ok := strings.CutPrefix(who.Name, setPrefix)
	return types.NamespacedName{Namespace: who.Namespace, Name: name}, ok
}

// SetKey is the name under which a set uses repositories.
func SetKey(set types.NamespacedName) types.NamespacedName { return userOf(set) }

// userOf is the name under which a set uses repositories.
func userOf(set types.NamespacedName) types.NamespacedName {
	return types.NamespacedName{Namespace: set.Namespace, Name: setPrefix + set.Name}
}

// Wake has a set expanded anew, soon.
func (s *ApplicationSets) Wake(name types.NamespacedName) {
	s.expansions.outdate(name)
	s.waker.Wake(name)
}

// Reconcile implements reconcile.Reconciler of controller-runtime.
func (s *ApplicationSets) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	set := &v1alpha1.ApplicationSet{}
	if err := s.Client.Get(ctx, req.NamespacedName, set); err != nil {
		if apierrors.IsNotFound(err) {
			s.forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, err
	}
	turn := turn{sets: s, set: set, now: time.Now()}
	look := turn.run
	if !set.DeletionTimestamp.IsZero() {
		s.forget(req.NamespacedName)
		look = turn.tearDown
	}
	switch err := look(ctx); {
	case raced(err):
		log.FromContext(ctx).V(1).Info("to be done again", "error", err.Error())
		return ctrl.Result{RequeueAfter: settling}, nil
	case err != nil:
		return ctrl.Result{}, client.IgnoreNotFound(err) // it may go at any time
	}
	return ctrl.Result{RequeueAfter: turn.after}, nil
}

// forget drops all that is kept of a set.
func (s *ApplicationSets) forget(name types.NamespacedName) {
	s.Repositories.UseAll(userOf(name), nil)
	s.expansions.forget(name)
}
