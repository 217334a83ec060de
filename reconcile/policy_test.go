package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

func TestPolicyOfOperations(t *testing.T) {
	t.Parallel()
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{SyncPolicy: &v1alpha1.SyncPolicy{
		Automated: &v1alpha1.SyncPolicyAutomated{Prune: true, AllowEmpty: true, Enabled: new(false)},
	}}}
	prune := &v1alpha1.SyncOperation{Prune: true}
	for name, tc := range map[string]struct {
		op   *v1alpha1.Operation
		want plan.Policy
	}{
		"without one, automated sync being off prunes nothing": {nil, plan.Policy{}},
		"a person who prunes confirms what waits for a person": {&v1alpha1.Operation{Sync: prune}, plan.Policy{Prune: true, PruneApproved: true}},
		"what no person asked for prunes as the application says, and confirms nothing": {
			&v1alpha1.Operation{Sync: prune, InitiatedBy: v1alpha1.OperationInitiator{Automated: true}}, plan.Policy{Prune: true, AllowEmpty: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, PolicyOf(app, tc.op)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
