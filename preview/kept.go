package preview

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/reconcile/plan"
)

// kept says why an object that is described no more stays in the cluster; empty
// where it goes, and where somebody decides about it: when they sync by hand, or
// are asked.
func (c *comparer) kept(base, head *Side, u *unstructured.Unstructured) string {
	switch {
	case u == nil || base == nil || c.moving:
		return ""
	case u.GetAnnotations()["helm.sh/resource-policy"] == "keep":
		return "its Helm resource policy keep"
	case head == nil && !base.Cascades():
		return "the application has no finalizer that deletes its objects"
	case head == nil && plan.OptionOf(u, "Delete") == "false":
		return "its sync option Delete=false"
	case head != nil && plan.OptionOf(u, "Prune") == "false":
		return "its sync option Prune=false"
	case head != nil && syncsWithoutPruning(head.Spec):
		return "pruning is off"
	}
	return ""
}

// syncsWithoutPruning reports an application whose automatic syncs delete
// nothing.
func syncsWithoutPruning(spec map[string]any) bool {
	policy, _ := spec["syncPolicy"].(map[string]any)
	automated, ok := policy["automated"].(map[string]any)
	return ok && automated["enabled"] != false && automated["prune"] != true
}
