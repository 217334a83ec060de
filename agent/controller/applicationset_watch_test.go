package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// noted is a queue that notes who comes, and when.
type noted struct {
	workqueue.TypedRateLimitingInterface[ctrl.Request]
	all []string
}

func (n *noted) Add(r ctrl.Request) { n.all = append(n.all, r.Name+" at once") }

func (n *noted) AddAfter(r ctrl.Request, after time.Duration) {
	n.all = append(n.all, r.Name+" after "+after.String())
}

func TestWhatApplicationsWake(t *testing.T) {
	t.Parallel()
	app := func(change func(*v1alpha1.Application)) *v1alpha1.Application {
		out := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop-a", Namespace: "trueup", Generation: 1, OwnerReferences: []metav1.OwnerReference{
			{Kind: "ApplicationSet", Name: "shop", Controller: new(true)},
		}}}
		change(out)
		return out
	}
	asIs := func(*v1alpha1.Application) {}
	for _, c := range []struct {
		it   string
		do   func(q *noted)
		want []string
	}{
		{"what is there at the start wakes nobody", func(q *noted) {
			watches().Create(t.Context(), event.CreateEvent{Object: app(asIs), IsInInitialList: true}, q)
		}, nil},
		{"one that comes is taken in with those that follow", func(q *noted) {
			watches().Create(t.Context(), event.CreateEvent{Object: app(asIs)}, q)
		}, []string{"shop after 1s"}},
		{"a status that moves is, too", func(q *noted) {
			now := app(func(a *v1alpha1.Application) { a.Status.Health.Status = "Healthy" })
			watches().Update(t.Context(), event.UpdateEvent{ObjectOld: app(asIs), ObjectNew: now}, q)
		}, []string{"shop after 1s"}},
		{"a status that does not move wakes nobody", func(q *noted) {
			watches().Update(t.Context(), event.UpdateEvent{ObjectOld: app(asIs), ObjectNew: app(func(a *v1alpha1.Application) { a.ResourceVersion = "2" })}, q)
		}, nil},
		{"somebody's edit is looked at at once, with the owner before and after", func(q *noted) {
			now := app(func(a *v1alpha1.Application) { a.Generation = 2 })
			watches().Update(t.Context(), event.UpdateEvent{ObjectOld: app(asIs), ObjectNew: now}, q)
		}, []string{"shop at once", "shop at once"}},
		{"one that goes is missed at once", func(q *noted) {
			watches().Delete(t.Context(), event.DeleteEvent{Object: app(asIs)}, q)
		}, []string{"shop at once"}},
	} {
		t.Run(c.it, func(t *testing.T) {
			t.Parallel()
			q := &noted{}
			c.do(q)
			if diff := cmp.Diff(c.want, q.all); diff != "" {
				t.Errorf("in the queue is (-want +got):\n%s", diff)
			}
		})
	}
}

func watches() handler.EventHandler { return (&ApplicationSets{}).applications() }
