package plan

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// kindRank places a kind in the order in which objects need each other:
// first what others live in or are validated by, last what needs the rest.
// Kinds of one rank do not need each other. The group counts, so that a
// custom resource that happens to be called Namespace is an ordinary one.
func kindRank(k object.Key) int { //nolint:cyclop // a table with one branch per rank reads better than what would hide it
	switch k.Group + "/" + k.Kind {
	case "/Namespace":
		return 0
	case "apiextensions.k8s.io/CustomResourceDefinition":
		return 1
	case "networking.k8s.io/NetworkPolicy":
		return 2
	case "/ResourceQuota", "/LimitRange":
		return 3
	case "policy/PodDisruptionBudget":
		return 4
	case "/ServiceAccount":
		return 5
	case "/Secret", "/ConfigMap":
		return 6
	case "storage.k8s.io/StorageClass", "scheduling.k8s.io/PriorityClass":
		return 7
	case "/PersistentVolume":
		return 8
	case "/PersistentVolumeClaim":
		return 9
	case rbac + "ClusterRole", rbac + "Role":
		return 10
	case rbac + "ClusterRoleBinding", rbac + "RoleBinding":
		return 11
	case "/Service":
		return 12
	case "apps/DaemonSet":
		return 13
	case "/Pod", "/ReplicationController", "apps/ReplicaSet":
		return 14
	case "apps/Deployment":
		return 15
	case "autoscaling/HorizontalPodAutoscaler":
		return 16
	case "apps/StatefulSet":
		return 17
	case "batch/Job", "batch/CronJob":
		return 18
	case "networking.k8s.io/IngressClass":
		return 19
	case "networking.k8s.io/Ingress":
		return 20
	case "apiregistration.k8s.io/APIService":
		return 21
	}
	return 22
}

const rbac = "rbac.authorization.k8s.io/"

func isCRD(k object.Key) bool {
	return k.Group == "apiextensions.k8s.io" && k.Kind == "CustomResourceDefinition"
}

func isNamespace(k object.Key) bool { return k.Group == "" && k.Kind == "Namespace" }

// ordered returns the steps in the order of running: applies by wave, rank
// and name, then prunes the other way round, then what is kept.
func (b *builder) ordered() []Step {
	slices.SortStableFunc(b.steps, func(x, y Step) int {
		if c := cmp.Compare(part(x), part(y)); c != 0 {
			return c
		}
		c := cmp.Or(
			cmp.Compare(x.Wave, y.Wave),
			cmp.Compare(kindRank(x.Key), kindRank(y.Key)),
			x.Key.Compare(y.Key),
		)
		if x.Action == Prune {
			return -c
		}
		return c
	})
	return b.steps
}

func part(s Step) int {
	switch s.Action {
	case Prune:
		return 1
	case Keep:
		return 2
	default:
		return 0
	}
}

// hoist returns the wave of each desired object. A Namespace or a definition
// goes no later than the first object that needs it.
func hoist(desired []*unstructured.Unstructured) map[object.Key]int {
	waves := map[object.Key]int{}
	inNamespace, ofKind := map[string]int{}, map[string]int{}
	lower := func(m map[string]int, key string, wave int) {
		if old, ok := m[key]; !ok || wave < old {
			m[key] = wave
		}
	}
	for _, u := range desired {
		key, wave := object.KeyOf(u), WaveOf(u)
		waves[key] = wave
		lower(inNamespace, key.Namespace, wave)
		lower(ofKind, key.Group+"/"+key.Kind, wave)
	}
	for _, u := range desired {
		key := object.KeyOf(u)
		needed, ok := 0, false
		switch {
		case isNamespace(key):
			needed, ok = inNamespace[key.Name]
		case isCRD(key):
			needed, ok = ofKind[defines(u)]
		}
		if ok {
			waves[key] = min(waves[key], needed)
		}
	}
	return waves
}

// defines returns "group/Kind" of a CustomResourceDefinition.
func defines(u *unstructured.Unstructured) string {
	group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
	return group + "/" + kind
}
