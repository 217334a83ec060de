package lifecycle

import (
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// What may happen to the applications of a set, besides creating them.
const (
	Sync         = "sync"
	CreateOnly   = "create-only"
	CreateUpdate = "create-update"
	CreateDelete = "create-delete"
)

// Agent is what an agent decides for all sets.
type Agent struct {
	// Policy is one of the constants; empty leaves it to the sets.
	Policy string
	// Override lets sets decide against Policy.
	Override bool
	// Budget is for the sets that name none; empty is DefaultBudget.
	Budget v1alpha1.DeletionBudget
}

// DefaultBudget never asks about three applications or about half of a set.
func DefaultBudget() v1alpha1.DeletionBudget {
	return v1alpha1.DeletionBudget{Count: new(int32(3)), Percent: new(int32(50))}
}

// Check reports settings that an agent cannot have.
func (a Agent) Check() error {
	switch a.Policy {
	case "", Sync, CreateOnly, CreateUpdate, CreateDelete:
	default:
		return fault.New(fault.Invalid, "the policy %q is none of %s, %s, %s and %s", a.Policy, Sync, CreateOnly, CreateUpdate, CreateDelete)
	}
	if c := a.Budget.Count; c != nil && *c < 0 {
		return fault.New(fault.Invalid, "the deletion budget's count %d is negative", *c)
	}
	if p := a.Budget.Percent; p != nil && (*p < 0 || *p > 100) {
		return fault.New(fault.Invalid, "the deletion budget's percentage %d is not between 0 and 100", *p)
	}
	return nil
}

// policy is what a set may do.
type policy struct {
	update, delete bool
	// reason says who forbids the rest.
	reason string
}

func (a Agent) policyOf(set *v1alpha1.ApplicationSet) policy {
	mode, whose := a.Policy, "the agent's --policy"
	if p := set.Spec.SyncPolicy; p != nil && p.ApplicationsSync != nil && *p.ApplicationsSync != "" && (a.Policy == "" || a.Override) {
		mode, whose = *p.ApplicationsSync, "spec.syncPolicy.applicationsSync"
	}
	return policy{
		update: mode == "" || mode == Sync || mode == CreateUpdate,
		delete: mode == "" || mode == Sync || mode == CreateDelete,
		reason: fmt.Sprintf("%s is %s", whose, mode),
	}
}

// Keeps says why a set deletes none of its applications; empty where it does.
// With the set itself they go all the same: their owner is gone.
func (a Agent) Keeps(set *v1alpha1.ApplicationSet) string {
	if p := a.policyOf(set); !p.delete {
		return p.reason
	}
	return ""
}

// Freezes says why a set updates none of its applications; empty where it does.
func (a Agent) Freezes(set *v1alpha1.ApplicationSet) string {
	if p := a.policyOf(set); !p.update {
		return p.reason
	}
	return ""
}

// budget is how many of so many applications may go without being asked
// about: the larger of what its limits allow.
func (a Agent) budget(set *v1alpha1.ApplicationSet, of int) int {
	b := a.Budget
	if p := set.Spec.SyncPolicy; p != nil && p.DeletionBudget != nil && *p.DeletionBudget != (v1alpha1.DeletionBudget{}) {
		b = *p.DeletionBudget
	}
	if b == (v1alpha1.DeletionBudget{}) {
		b = DefaultBudget()
	}
	out := 0
	if b.Count != nil {
		out = int(*b.Count)
	}
	if b.Percent != nil {
		out = max(out, of*int(*b.Percent)/100)
	}
	return out
}

// neverAsks reports a set whose owner decided to be asked about no deletion
// that is certain.
func neverAsks(set *v1alpha1.ApplicationSet) bool {
	p := set.Spec.SyncPolicy
	return p != nil && p.DeletionBudget != nil && p.DeletionBudget.Percent != nil && *p.DeletionBudget.Percent >= 100
}
