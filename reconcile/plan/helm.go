package plan

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Helm's annotations. They mean what Argo CD takes them for; an object with a
// hook annotation of Argo CD's or of ours is not Helm's hook.
const (
	helmHook         = "helm.sh/hook"
	helmWeight       = "helm.sh/hook-weight"
	helmDeletePolicy = "helm.sh/hook-delete-policy"
)

// helmPhases translates Helm's hooks. A hook that comes only with upgrades or
// only with installations runs at every sync: a sync is both. Tests and
// rollbacks are no part of one.
func helmPhases() map[string]string {
	return map[string]string{
		"pre-install": "PreSync", "pre-upgrade": "PreSync",
		"post-install": "PostSync", "post-upgrade": "PostSync",
		"pre-delete": "PreDelete", "post-delete": "PostDelete",
	}
}

// fromHelm translates the value of Helm's hook annotation: "" is an ordinary
// object, and Skip one that has no part in a sync.
func fromHelm(value string) string {
	phases := helmPhases()
	var out []string
	for hook := range strings.SplitSeq(value, ",") {
		switch hook = strings.TrimSpace(hook); {
		case hook == "crd-install" || hook == "":
			return ""
		case phases[hook] != "" && !slices.Contains(out, phases[hook]):
			out = append(out, phases[hook])
		}
	}
	if len(out) == 0 {
		return "Skip"
	}
	return strings.Join(out, ",")
}

// weight is the wave that Helm's weight of a hook stands for.
func weight(u *unstructured.Unstructured) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(u.GetAnnotations()[helmWeight]))
	return n, err == nil
}

// HookDeletePolicies are when a hook is deleted: BeforeHookCreation,
// HookSucceeded, HookFailed. Where nothing is said it is the first.
func HookDeletePolicies(u *unstructured.Unstructured) []string {
	names := map[string]string{
		"before-hook-creation": "BeforeHookCreation", "hook-succeeded": "HookSucceeded", "hook-failed": "HookFailed",
		"BeforeHookCreation": "BeforeHookCreation", "HookSucceeded": "HookSucceeded", "HookFailed": "HookFailed",
	}
	value := annotation(u, "hook-delete-policy")
	if value == "" && strings.TrimSpace(annotation(u, "hook")) == "" {
		value = u.GetAnnotations()[helmDeletePolicy]
	}
	var out []string
	for policy := range strings.SplitSeq(value, ",") {
		if name := names[strings.TrimSpace(policy)]; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return []string{"BeforeHookCreation"}
	}
	return out
}
