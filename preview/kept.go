package preview

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/reconcile/plan"
)

const withoutFinalizer = "the application has no finalizer that deletes its objects"

// MovedAway is why the objects of an application stay on a cluster that it does
// not go to any more.
const MovedAway = "the application goes to another cluster, and nobody deletes what it leaves"

// renames reports an application under another name: the old one goes with
// what it has.
func renames(base, head *Side) bool {
	return base.Name != head.Name || base.Namespace != head.Namespace
}

// Keeps says why an object of base that is described no more stays in the
// cluster; empty where it goes, and where somebody decides about it: when they
// sync by hand, or are asked.
func Keeps(base, head *Side, u *unstructured.Unstructured) string {
	if u == nil || base == nil {
		return ""
	}
	goes := head == nil || renames(base, head)
	switch {
	case base.Stays == MovedAway:
		return MovedAway
	case goes && base.Stays != "":
		return "the application stays, for " + base.Stays
	case u.GetAnnotations()["helm.sh/resource-policy"] == "keep":
		return "its Helm resource policy keep"
	case goes && !base.Cascades():
		return withoutFinalizer
	case goes && plan.OptionOf(u, "Delete") == "false":
		return "its sync option Delete=false"
	case !goes && plan.OptionOf(u, "Prune") == "false":
		return "its sync option Prune=false"
	case !goes && syncsWithoutPruning(head.Spec):
		return "pruning is off"
	}
	return ""
}

// syncsWithoutPruning reports an application whose automatic syncs delete
// nothing.
func syncsWithoutPruning(spec map[string]any) bool {
	return automated(spec) != nil && automated(spec)["prune"] != true
}

// automated is how an application syncs by itself; nil where it does not.
func automated(spec map[string]any) map[string]any {
	policy, _ := spec["syncPolicy"].(map[string]any)
	automated, ok := policy["automated"].(map[string]any)
	if !ok || automated["enabled"] == false {
		return nil
	}
	return automated
}
