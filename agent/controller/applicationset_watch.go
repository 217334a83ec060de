package controller

import (
	"context"
	"maps"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/reads"
	"github.com/trueup-dev/trueup/internal/kube"
)

// ownerIndex finds applications by the set that controls them.
const ownerIndex = "controller-uid"

func ownerOf(o client.Object) []string {
	if owner := metav1.GetControllerOf(o); owner != nil && owner.Kind == "ApplicationSet" {
		return []string{string(owner.UID)}
	}
	return nil
}

// setSettling is the time in which changes of the applications' states are
// taken as one: a large set would else write its status all the time.
const setSettling = time.Second

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// applications wakes the sets of applications: at once where somebody changed
// one, after a while where one came or only its status moved. Those that come
// are mostly the set's own, several in a row, and a look before the last of
// them is in the cache would try to create it again. Those that are there at
// the start need not wake anybody: every set is looked at then.
func (s *ApplicationSets) applications() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) {
			if !e.IsInInitialList {
				later(q, e.Object)
			}
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, isApp := e.ObjectOld.(*v1alpha1.Application)
			now, isToo := e.ObjectNew.(*v1alpha1.Application)
			switch {
			case !isApp || !isToo:
			case edited(before, now):
				add(q, before)
				add(q, now)
				s.unblock(ctx, q, before)
			case moved(before, now):
				later(q, now)
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			add(q, e.Object)
			s.unblock(ctx, q, e.Object)
		},
	}
}

func setOf(o client.Object) (types.NamespacedName, bool) {
	owner := metav1.GetControllerOf(o)
	if owner == nil || owner.Kind != "ApplicationSet" {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: owner.Name}, true
}

func add(q queue, o client.Object) {
	if name, ok := setOf(o); ok {
		q.Add(ctrl.Request{NamespacedName: name})
	}
}

// later wakes the set of an application after a while; several calls in that
// time count as the first one.
func later(q queue, o client.Object) {
	if name, ok := setOf(o); ok {
		q.AddAfter(ctrl.Request{NamespacedName: name}, setSettling)
	}
}

// unblock wakes the sets of a namespace that could not have an application's
// name, where it belongs to none.
func (s *ApplicationSets) unblock(ctx context.Context, q queue, o client.Object) {
	if _, owned := setOf(o); owned {
		return
	}
	var list v1alpha1.ApplicationSetList
	if err := s.Client.List(ctx, &list, client.InNamespace(o.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		return // the cache answers; what it lacks it will tell as an event
	}
	for i := range list.Items {
		if apimeta.IsStatusConditionTrue(list.Items[i].Status.Conditions, lifecycle.ErrorOccurred) {
			q.Add(ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
}

func edited(before, now *v1alpha1.Application) bool {
	return before.Generation != now.Generation || !maps.Equal(before.Labels, now.Labels) || !maps.Equal(before.Annotations, now.Annotations) ||
		!slices.Equal(before.Finalizers, now.Finalizers) || before.DeletionTimestamp.IsZero() != now.DeletionTimestamp.IsZero() ||
		len(before.OwnerReferences) != len(now.OwnerReferences)
}

func moved(before, now *v1alpha1.Application) bool {
	return look(before) != look(now)
}

// looks is what a set shows of an application, or acts upon.
type looks struct {
	sync               v1alpha1.SyncStatusCode
	digest, revision   string
	health, phase      string
	observed           int64
	leftovers, request bool
}

func look(app *v1alpha1.Application) looks {
	out := looks{
		sync: app.Status.Sync.Status, digest: app.Status.Sync.Digest, revision: app.Status.Sync.Revision, health: app.Status.Health.Status,
		observed: app.Status.ObservedGeneration, leftovers: leftoversOnly(app), request: app.Operation != nil,
	}
	if o := app.Status.OperationState; o != nil {
		out.phase = o.Phase
	}
	return out
}

// all names every set.
func (s *ApplicationSets) all(ctx context.Context, _ client.Object) []ctrl.Request {
	return s.those(ctx, func(*v1alpha1.ApplicationSet) {})
}

// clusters names every set, because clusters came or went: applications go to
// them. Those that asked for clusters, and would have another answer now, are
// expanded anew.
func (s *ApplicationSets) clusters(ctx context.Context, _ client.Object) []ctrl.Request {
	return s.those(ctx, func(set *v1alpha1.ApplicationSet) {
		if name := client.ObjectKeyFromObject(set); s.expansions.changed(ctx, name, s.World, reads.Clusters) {
			s.expansions.outdate(name)
		}
	})
}

func (s *ApplicationSets) those(ctx context.Context, each func(*v1alpha1.ApplicationSet)) []ctrl.Request {
	var list v1alpha1.ApplicationSetList
	if err := s.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache answers; what it lacks it will tell as an event
	}
	out := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		each(&list.Items[i])
		out = append(out, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return out
}

// clusterSecrets lets through secrets that register a cluster, or did before.
func clusterSecrets() predicate.Predicate {
	registers := func(o client.Object) bool { return o.GetLabels()[kube.SecretTypeLabel] == kube.SecretCluster }
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return registers(e.Object) },
		DeleteFunc: func(e event.DeleteEvent) bool { return registers(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetResourceVersion() != e.ObjectNew.GetResourceVersion() && (registers(e.ObjectOld) || registers(e.ObjectNew))
		},
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}
