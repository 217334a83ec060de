package lifecycle_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// BenchmarkAtRest plans 1,000 sets of ten applications each, of which nothing
// has to be written, and tells their status.
func BenchmarkAtRest(b *testing.B) {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "trueup", UID: "uid", Generation: 1}}
	in := lifecycle.Input{Set: set, Now: noon(), Agent: lifecycle.Agent{Budget: lifecycle.DefaultBudget()}}
	for i := range 10 {
		app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web-%d", i), Namespace: "trueup", Labels: map[string]string{"env": "prod"}}}
		app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/a.git", Path: "apps/web", Helm: &v1alpha1.ApplicationSourceHelm{
			Parameters: []v1alpha1.HelmParameter{{Name: "size", Value: "l"}},
		}}
		app.Spec.Project, app.Spec.Destination.Name = "default", appset.LocalName
		in.Result.Applications = append(in.Result.Applications, *app.DeepCopy())
		app.UID, app.OwnerReferences = "u", []metav1.OwnerReference{*metav1.NewControllerRef(set, v1alpha1.GroupVersion().WithKind("ApplicationSet"))}
		app.Status.Sync.Status, app.Status.Health.Status = v1alpha1.SyncStatusCodeSynced, "Healthy"
		in.Owned = append(in.Owned, app)
	}
	for b.Loop() {
		for range 1000 {
			p := lifecycle.Make(b.Context(), in)
			if !p.Empty() {
				b.Fatalf("something is to be written: %+v", p)
			}
			_ = lifecycle.Status(in, &p, lifecycle.Outcome{})
		}
	}
}
