package risk

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// Rules are the built-in ones.
func Rules() []Rule {
	return slices.Concat(deletions(), definitions(), replacements(), access(), workloads(), capacity(), live(), applications(), verdicts())
}

// verdicts are found by policies.
func verdicts() []Rule {
	return []Rule{
		{Name: "policy-deny", Severity: Critical, About: "A policy denies what will be, and did not deny what is."},
		{Name: "policy-error", Severity: Critical, About: "A policy could not be evaluated, and could before."},
		{Name: "policy-warn", Severity: Warning, About: "A policy warns of what will be, and did not before."},
		{Name: "policy-audit", Severity: Notice, About: "A policy takes note of what will be, and did not before."},
	}
}

// allowPrune permits the agent to delete what takes other things along: else it
// keeps claims, volumes, namespaces and definitions that are described no more.
const allowPrune = "trueup.dev/prune"

func deletions() []Rule {
	deleted := func(what string) func(Change) []string {
		return func(c Change) []string {
			if c.Deleted && c.Kept == "" {
				return []string{what}
			}
			return nil
		}
	}
	protected := func(what string) func(Change) []string {
		return func(c Change) []string {
			found := deleted(what)(c)
			if decoded.Map(c.Before, "metadata", "annotations")[allowPrune] == "allow" || c.Key.Kind == "VolumeSnapshot" {
				return found
			}
			for i := range found {
				found[i] += ", once " + allowPrune + ": allow permits it"
			}
			return found
		}
	}
	return []Rule{
		{
			Name: "delete-storage", Severity: Critical, Gone: true, About: "A volume or a claim goes away, and its data with it where the reclaim policy says so.",
			Kinds: []string{"/PersistentVolumeClaim", "/PersistentVolume", "snapshot.storage.k8s.io/VolumeSnapshot"}, Find: protected("deletes storage"),
		},
		{
			Name: "delete-namespace", Severity: Critical, Gone: true, About: "A namespace goes away with everything in it, whoever made that.",
			Kinds: []string{"/Namespace"}, Find: protected("deletes the namespace and all that is in it"),
		},
		{
			Name: "delete-definition", Severity: Critical, Gone: true, About: "A CustomResourceDefinition goes away, and with it every object of its kind.",
			Kinds: []string{"apiextensions.k8s.io/CustomResourceDefinition"}, Find: protected("deletes every object of the kind"),
		},
		{
			Name: "delete-workload", Severity: Warning, Gone: true, About: "Something that runs goes away.",
			Kinds: []string{"apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/CronJob", "argoproj.io/Rollout"}, Find: deleted("stops the workload"),
		},
		{
			Name: "delete", Severity: Notice, Gone: true, About: "Any other object goes away.",
			Find: func(c Change) []string {
				if c.After != nil {
					return nil // it is there under another name
				}
				for _, r := range deletions()[:4] {
					if r.looksAt(c.Key) {
						return nil
					}
				}
				return deleted("is deleted")(c)
			},
		},
		{
			Name: "kept", Severity: Notice, Gone: true, About: "An object is described no more and stays in the cluster: pruning is off, an option says so, or the application has no finalizer.",
			Find: func(c Change) []string {
				if c.Deleted && c.Kept != "" {
					return []string{"is described no more, and stays: " + c.Kept}
				}
				return nil
			},
		},
	}
}

// immutable are the fields that an API server does not let anybody change: an
// object has to be made anew. A path ends at a field or above it; what an
// exception begins with may change.
var immutable = []struct { //nolint:gochecknoglobals // a table that nobody writes
	kind   string
	paths  []string
	except []string
}{
	{kind: "apps/Deployment", paths: []string{"spec.selector"}},
	{kind: "apps/ReplicaSet", paths: []string{"spec.selector"}},
	{kind: "apps/DaemonSet", paths: []string{"spec.selector"}},
	{kind: "apps/StatefulSet", paths: []string{"spec"}, except: []string{
		"spec.replicas", "spec.ordinals", "spec.template", "spec.updateStrategy", "spec.revisionHistoryLimit",
		"spec.persistentVolumeClaimRetentionPolicy", "spec.minReadySeconds",
	}},
	{kind: "batch/Job", paths: []string{"spec.selector", "spec.template", "spec.completions", "spec.completionMode", "spec.podFailurePolicy", "spec.backoffLimitPerIndex"}},
	{kind: "/Service", paths: []string{"spec.clusterIP", "spec.clusterIPs", "spec.loadBalancerClass"}},
	{kind: "/PersistentVolumeClaim", paths: []string{"spec"}, except: []string{"spec.resources", "spec.volumeAttributesClassName"}},
	{kind: "/PersistentVolume", paths: []string{"spec.csi", "spec.nfs", "spec.hostPath", "spec.local", "spec.volumeMode", "spec.nodeAffinity"}},
	{kind: "/Secret", paths: []string{"type"}},
	{kind: "rbac.authorization.k8s.io/RoleBinding", paths: []string{"roleRef"}},
	{kind: "rbac.authorization.k8s.io/ClusterRoleBinding", paths: []string{"roleRef"}},
	{kind: "storage.k8s.io/StorageClass", paths: []string{"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"}},
	{kind: "scheduling.k8s.io/PriorityClass", paths: []string{"value", "preemptionPolicy"}},
	{kind: "networking.k8s.io/IngressClass", paths: []string{"spec.controller"}},
	{kind: "node.k8s.io/RuntimeClass", paths: []string{"handler"}},
	{kind: "apiextensions.k8s.io/CustomResourceDefinition", paths: []string{"spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"}},
	{kind: "storage.k8s.io/CSIDriver", paths: []string{"spec.attachRequired", "spec.volumeLifecycleModes"}},
}

func replacements() []Rule {
	return []Rule{
		{
			Name: "immutable", Severity: Critical, About: "A field changes that cannot be changed: the API server refuses it, or the object has to be made anew.",
			Find: func(c Change) []string {
				if c.Before == nil || c.After == nil || c.Deleted || isMadeAnew(c) {
					return nil
				}
				var out []string
				for _, path := range immutablePaths(c) {
					out = append(out, "changes "+path+", which cannot be changed in place")
				}
				return out
			},
		},
		{
			Name: "selector", Severity: Warning, About: "Traffic, or a disruption budget, goes to other pods.",
			Kinds: []string{"/Service", "policy/PodDisruptionBudget", "networking.k8s.io/NetworkPolicy"},
			Find: func(c Change) []string {
				var out []string
				for _, path := range c.Paths {
					if below(path, "spec.selector") || below(path, "spec.podSelector") {
						out = append(out, "selects other pods: "+path)
					}
				}
				return out
			},
		},
		{
			Name: "hook", Severity: Notice, About: "An object is now a hook: it runs with every sync.",
			Find: func(c Change) []string {
				if hook := hookOf(c.After); hook != "" && hookOf(c.Before) == "" {
					return []string{"is a hook now: " + hook}
				}
				return nil
			},
		},
	}
}

func immutablePaths(c Change) []string {
	var out []string
	kind := c.Key.Group + "/" + c.Key.Kind
	if kind == "/ConfigMap" || kind == "/Secret" {
		if c.Before["immutable"] == true {
			for _, path := range c.Paths {
				if !below(path, "metadata") {
					out = append(out, path)
				}
			}
			return out
		}
	}
	for _, row := range immutable {
		if row.kind != kind {
			continue
		}
		for _, path := range c.Paths {
			under := func(root string) bool { return below(path, root) }
			if slices.ContainsFunc(row.paths, under) && !slices.ContainsFunc(row.except, under) {
				out = append(out, path)
			}
		}
	}
	return out
}

// below reports a path that is a root or under it.
func below(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// isMadeAnew reports a hook that every sync deletes before it runs, or deleted
// when it was done: no field of it is changed in place.
func isMadeAnew(c Change) bool {
	was, is := &unstructured.Unstructured{Object: c.Before}, &unstructured.Unstructured{Object: c.After}
	if plan.HookOf(was) == "" || plan.HookOf(is) == "" {
		return false
	}
	return slices.Contains(plan.HookDeletePolicies(is), "BeforeHookCreation") || slices.Contains(plan.HookDeletePolicies(was), "HookSucceeded")
}

func hookOf(manifest map[string]any) string {
	annotations := decoded.Map(manifest, "metadata", "annotations")
	for _, name := range []string{"trueup.dev/hook", "argocd.argoproj.io/hook", "helm.sh/hook"} {
		if v, ok := annotations[name].(string); ok && v != "" {
			return v
		}
	}
	return ""
}
