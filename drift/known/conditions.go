package known

import (
	"slices"
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

func absent(c *Case) bool { return Empty(c.Desired) }

// unset is absent, where the empty string means the same.
func unset(c *Case) bool { return Empty(c.Desired) || c.Desired == "" }

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

// annotations explains live-only keys with one of the prefixes.
func annotations(prefixes ...string) func(*Case) bool {
	return func(c *Case) bool {
		return c.Desired == nil && slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(c.Name, s) })
	}
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

func nodeToleration(c *Case) bool {
	m, _ := c.Live.(map[string]any)
	key, _ := m["key"].(string)
	return c.Desired == nil && strings.HasPrefix(key, "node.kubernetes.io/")
}

// protection explains the finalizers that admission and controllers set.
func protection(c *Case) bool {
	return c.Desired == nil && protects(c.Live)
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
	return Empty(c.Desired) && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !protects(v) })
}
