package lifecycle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// TestBudgetOverTime: an answer that shrinks step by step, each within the
// budget, takes no more applications than one step may. A confirmation lets
// the rest go; deletions that an agent did not get to are not counted twice.
func TestBudgetOverTime(t *testing.T) {
	t.Parallel()
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup", UID: "uid-of-shop", Generation: 1}}
	now := noon()
	var owned []v1alpha1.Application
	look := func(listed, done int) lifecycle.Plan {
		result := appset.Result{Answers: []appset.Answer{{Path: "generators[0].scmProvider", ParameterSets: listed}}}
		for i := range listed {
			app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("app-%03d", i)}}
			result.Applications = append(result.Applications, app)
		}
		result.Applications = complete(result.Applications, set, false)
		in := lifecycle.Input{Set: set.DeepCopy(), Owned: owned, Result: result, Now: now}
		p := lifecycle.Make(t.Context(), in)
		owned = append(slices.Clone(owned), complete(p.Create, set, true)...)
		for _, app := range p.Delete[:min(done, len(p.Delete))] {
			owned = slices.DeleteFunc(owned, func(a v1alpha1.Application) bool { return a.Name == app.Name })
		}
		set.Status.Generators, set.Status.DeletionWindow = p.Generators, p.Window
		if done >= len(p.Delete) {
			set.Status = lifecycle.Status(in, &p, lifecycle.Outcome{})
		}
		now = now.Add(8 * time.Minute)
		return p
	}
	const all = 1000
	for i, step := range []struct{ listed, done, left, held int }{
		{listed: 200, done: all, left: 200},
		{listed: 150, done: 10, left: 190}, // it stops in the middle
		{listed: 150, done: all, left: 150},
		{listed: 100, done: all, left: 100},
		{listed: 50, done: all, left: 100, held: 50},
		{listed: 25, done: all, left: 100, held: 75},
		{listed: 1, done: all, left: 100, held: 99},
	} {
		p := look(step.listed, step.done)
		held := 0
		if p.Held != nil {
			held = int(p.Held.Count)
		}
		if len(owned) != step.left || held != step.held {
			t.Fatalf("step %d, %d are listed: %d applications are left, %d deletions are held, want %d and %d", i, step.listed, len(owned), held, step.left, step.held)
		}
	}
	set.Annotations = map[string]string{v1alpha1.ConfirmDeletion: set.Status.Held.Digest}
	if p := look(1, all); !p.Confirmed || len(owned) != 1 || set.Status.DeletionWindow != nil {
		t.Errorf("confirmed: %v, %d applications are left, counted from %v", p.Confirmed, len(owned), set.Status.DeletionWindow)
	}
	set.Annotations = nil
	look(10, all)
	if look(5, all); len(owned) != 5 {
		t.Errorf("%d applications are left after a new deletion", len(owned))
	}
}
