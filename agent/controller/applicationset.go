package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/kube"
)

// ApplicationSets keeps the applications of each set as the set wants them.
type ApplicationSets struct {
	Client       client.Client
	World        appset.World
	Repositories Repositories

	waker
	expansions expansions
}

// SetUp registers the controller.
func (s *ApplicationSets) SetUp(mgr ctrl.Manager) error {
	clusters := predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.GetLabels()[kube.SecretTypeLabel] == kube.SecretCluster
	})
	return ctrl.NewControllerManagedBy(mgr).Named("applicationset").
		For(&v1alpha1.ApplicationSet{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&v1alpha1.Application{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}))).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(s.all), builder.WithPredicates(clusters)).
		WatchesRawSource(s.source()).
		Complete(s)
}

// setPrefix tells sets from applications among those who use repositories.
const setPrefix = "applicationset:"

// SetName is the set behind a name that was given to Repositories.
func SetName(who types.NamespacedName) (types.NamespacedName, bool) {
	name, ok := strings.CutPrefix(who.Name, setPrefix)
	return types.NamespacedName{Namespace: who.Namespace, Name: name}, ok
}

// Reconcile implements reconcile.Reconciler of controller-runtime.
func (s *ApplicationSets) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	set := &v1alpha1.ApplicationSet{}
	user := types.NamespacedName{Namespace: req.Namespace, Name: setPrefix + req.Name}
	if err := s.Client.Get(ctx, req.NamespacedName, set); err != nil {
		if client.IgnoreNotFound(err) == nil {
			s.Repositories.UseAll(user, nil)
			s.expansions.forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, err
	}
	if !set.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // owner references do the rest
	}
	var urls []string
	for _, g := range set.Spec.Generators {
		if g.Git != nil {
			urls = append(urls, g.Git.RepoURL)
		}
	}
	s.Repositories.UseAll(user, urls)
	result, err := s.expand(ctx, set)
	if err == nil {
		err = s.bring(ctx, set, result.Applications)
	}
	if writeErr := s.write(ctx, set, result, err); writeErr != nil {
		return ctrl.Result{}, errors.Join(err, writeErr)
	}
	return ctrl.Result{}, err
}

// bring makes the set's applications what it wants.
func (s *ApplicationSets) bring(ctx context.Context, set *v1alpha1.ApplicationSet, wanted []v1alpha1.Application) error {
	var list v1alpha1.ApplicationList
	if err := s.Client.List(ctx, &list, client.InNamespace(set.Namespace)); err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	var mine []v1alpha1.Application
	foreign := map[string]bool{}
	for _, app := range list.Items {
		if metav1.IsControlledBy(&app, set) {
			mine = append(mine, app)
		} else {
			foreign[app.Name] = true
		}
	}
	var failures []error
	for i := range wanted {
		if foreign[wanted[i].Name] {
			failures = append(failures, fmt.Errorf("application %s exists and is not this set's", wanted[i].Name))
		}
		if err := controllerutil.SetControllerReference(set, &wanted[i], s.Client.Scheme()); err != nil {
			failures = append(failures, err)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	changes := appset.Diff(set, mine, wanted)
	for i := range changes.Create {
		failures = append(failures, s.Client.Create(ctx, &changes.Create[i]))
	}
	for i := range changes.Update {
		failures = append(failures, s.Client.Update(ctx, &changes.Update[i]))
	}
	for i := range changes.Delete {
		failures = append(failures, client.IgnoreNotFound(s.Client.Delete(ctx, &changes.Delete[i])))
	}
	return errors.Join(failures...)
}

// write tells in the set's status what it expanded to.
func (s *ApplicationSets) write(ctx context.Context, set *v1alpha1.ApplicationSet, result appset.Result, failure error) error {
	next := set.DeepCopy()
	next.Status.ObservedGeneration = set.Generation
	failed, message := metav1.ConditionFalse, fmt.Sprintf("%d applications", len(result.Applications))
	reason := "Expanded"
	if failure != nil {
		failed, reason, message = metav1.ConditionTrue, "Failed", failure.Error()
	} else {
		next.Status.ResourcesCount = int64(len(result.Applications))
		if len(result.Warnings) > 0 {
			message += "; " + strings.Join(result.Warnings, "; ")
		}
	}
	apimeta.SetStatusCondition(&next.Status.Conditions, metav1.Condition{
		Type: "ErrorOccurred", Status: failed, Reason: reason, Message: message, ObservedGeneration: set.Generation,
	})
	if equality.Semantic.DeepEqual(set.Status, next.Status) {
		return nil
	}
	return client.IgnoreNotFound(s.Client.Status().Patch(ctx, next, client.MergeFrom(set)))
}
