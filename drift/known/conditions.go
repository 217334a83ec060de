package known

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Empty is null, and a map or list without members: they mean the same.
func Empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// absent explains what Git leaves open, unless somebody filled it in by hand:
// what the server allocates belongs to nobody.
func absent(c *Case) bool { return Empty(c.Desired) && !c.byHand() }

// unset is absent, where the empty string means the same.
func unset(c *Case) bool { return (Empty(c.Desired) || c.Desired == "") && !c.byHand() }

// exactly explains one value where Git leaves it open. Who wrote it does not
// matter: the server writes none other there, and its creator owns a default.
func exactly(want func(c *Case) any) func(*Case) bool {
	return func(c *Case) bool {
		return (Empty(c.Desired) || c.Desired == "") && c.Live != nil && c.Live == want(c)
	}
}

func ownName(c *Case) any { return c.Key.Name }

// listKind and singular are derived from the kind that a definition is of.
func listKind(c *Case) any { return c.definedKind() + "List" }

func singular(c *Case) any { return strings.ToLower(c.definedKind()) }

func (c *Case) definedKind() string {
	kind, _, _ := unstructured.NestedString(c.Cluster, "spec", "names", "kind")
	return kind
}

func noConversion(c *Case) bool {
	m, _ := c.Live.(map[string]any)
	return Empty(c.Desired) && (c.Live == "None" || len(m) == 1 && m["strategy"] == "None")
}

// aggregated asks Git: a live aggregationRule alone may be somebody's way to
// have other rules overlooked.
func aggregated(c *Case) bool {
	if Empty(c.Git["aggregationRule"]) {
		return false
	}
	return c.By() == nil || c.by("kube-controller-manager", "clusterrole-aggregation-controller", "kube-apiserver")
}

// annotations explains live-only keys with one of the prefixes, unless
// somebody set them by hand.
func annotations(prefixes ...string) func(*Case) bool {
	return func(c *Case) bool {
		return c.Desired == nil && slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(c.Name, s) }) && !c.byHand()
	}
}

// generation explains the number that the API version shows as an annotation;
// whoever wrote the object owns it.
func generation(c *Case) bool {
	s, _ := c.Live.(string)
	_, err := strconv.ParseUint(s, 10, 63)
	return c.Desired == nil && err == nil
}

// templateLabel explains what the server copies from the pod template where a
// manifest says nothing.
func templateLabel(c *Case) bool {
	labels, _, _ := unstructured.NestedFieldNoCopy(c.Cluster, "spec", "template", "metadata", "labels")
	m, _ := labels.(map[string]any)
	return c.Desired == nil && c.Live != nil && m[c.Name] == c.Live
}

// accountToken explains what the token controller fills into a Secret that Git
// asks it to.
func accountToken(c *Case) bool {
	if c.Desired != nil || c.Git["type"] != "kubernetes.io/service-account-token" {
		return false
	}
	switch c.Name {
	case "token", "ca.crt", "namespace":
		return c.by("kube-controller-manager") || c.Unowned
	}
	return false
}

// nodeToleration explains tolerations of what may be wrong with a node. In a
// list that somebody owns as a whole those that admission adds are the
// owner's, so that by hand there must be just such ones.
func nodeToleration(c *Case) bool {
	m, _ := c.Live.(map[string]any)
	key, _ := m["key"].(string)
	if c.Desired != nil || !strings.HasPrefix(key, "node.kubernetes.io/") {
		return false
	}
	return !c.byHand() || admitted(m)
}

// admitted reports a toleration that admission adds to every Pod.
func admitted(toleration map[string]any) bool {
	if toleration["operator"] != "Exists" {
		return false
	}
	switch toleration["key"] {
	case "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable":
		return toleration["effect"] == "NoExecute" && toleration["tolerationSeconds"] != nil
	case "node.kubernetes.io/memory-pressure":
		return toleration["effect"] == "NoSchedule"
	}
	return false
}

// namespaceFinalizer explains the one that every Namespace gets, and what
// others than people put there.
func namespaceFinalizer(c *Case) bool {
	list, _ := c.Live.([]any)
	return Empty(c.Desired) && (len(list) == 1 && list[0] == "kubernetes" || !c.byHand())
}

// protection explains the finalizers that admission and controllers set.
func protection(c *Case) bool {
	return c.Desired == nil && protects(c.Live) && !c.byHand()
}

func protects(v any) bool {
	s, _ := v.(string)
	switch s {
	case "foregroundDeletion", "orphan", "service.kubernetes.io/load-balancer-cleanup", "customresourcecleanup.apiextensions.k8s.io":
		return true
	}
	return strings.HasPrefix(s, "kubernetes.io/")
}

func protections(c *Case) bool {
	list, _ := c.Live.([]any)
	return Empty(c.Desired) && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !protects(v) }) && !c.byHand()
}
