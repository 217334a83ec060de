package trial_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// registered knows its one cluster under a name.
type registered struct{ everywhere }

func (r registered) Cluster(ctx context.Context, d v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	d.Name = "eu"
	return r.everywhere.Cluster(ctx, d)
}

// TestPoliciesOfACluster: what base declares for a cluster counts for the
// objects that go there, whichever way an application names it.
func TestPoliciesOfACluster(t *testing.T) {
	t.Parallel()
	shop := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {step: %s}\n"
	tr, c, _ := trying([]txtar.File{
		{Name: "base/shop/cm.yaml", Data: fmt.Appendf(nil, shop, "one")}, {Name: "head/shop/cm.yaml", Data: fmt.Appendf(nil, shop, "two")},
		{Name: "base/rules/cm.yaml", Data: fmt.Appendf(nil, shop, "rule")}, {Name: "head/rules/cm.yaml", Data: fmt.Appendf(nil, shop, "rule")},
	})
	var declared []string
	tr.Flow.Clusters = registered{}
	tr.Policies = &trial.Policies{Make: func(_ context.Context, in policy.Sources) (*policy.Set, []string) {
		for cluster, all := range in.Declared {
			declared = append(declared, fmt.Sprint(cluster, " ", len(all)))
		}
		return nil, nil
	}}
	app := func(name string, to v1alpha1.ApplicationDestination) v1alpha1.Application {
		var a v1alpha1.Application
		a.Name, a.Namespace, a.Spec.Destination = name, "trueup", to
		a.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: config, Path: name}
		return a
	}
	given := document.Documents{Applications: []v1alpha1.Application{
		app("shop", v1alpha1.ApplicationDestination{Name: "eu", Namespace: "shop"}), app("rules", v1alpha1.ApplicationDestination{Server: "https://eu.example.com", Namespace: "rules"}),
	}}
	tried, err := tr.Try(t.Context(), c, trial.Roots{Given: given, Live: true, Home: "trueup"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"eu 2"}, declared); diff != "" {
		t.Errorf("declared by cluster (-want +got):\n%s\n%+v", diff, tried.Report)
	}
	for _, side := range tried.Base {
		if side.Cluster != "eu" {
			t.Errorf("%s goes to %q", side.Name, side.Cluster)
		}
	}
}
