package drift

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// ruleController is the rule of what a known controller added.
const ruleController = "controller"

// rule explains differences at one place of one kind.
type rule struct {
	name        string
	group, kind string // kind * is every kind
	path        []string
	when        func(c *comparison, p *place, desired, live any) bool
}

// allRules lists what is expected to differ. The order does not matter: one
// place is explained by one rule.
func allRules() []rule {
	const (
		apps, crd, hooks = "apps", "apiextensions.k8s.io", "admissionregistration.k8s.io"
		last             = "deployment.kubernetes.io/revision"
	)
	at := func(path string) []string { return strings.Split(path, " ") }
	return []rule{
		{"autoscaler", "*", "*", at("spec replicas"), autoscaled},
		{"autoscaler", "autoscaling", "HorizontalPodAutoscaler", at("metadata annotations *"), annotations("autoscaling.alpha.kubernetes.io/")},
		{"service-allocation", "", "Service", at("spec clusterIP"), unset},
		{"service-allocation", "", "Service", at("spec clusterIPs"), unset},
		{"service-allocation", "", "Service", at("spec healthCheckNodePort"), unset},
		{"service-allocation", "", "Service", at("spec ports * nodePort"), unset},
		{"volume-binding", "", "PersistentVolumeClaim", at("spec volumeName"), unset},
		{"volume-binding", "", "PersistentVolumeClaim", at("spec storageClassName"), absent},
		{"volume-binding", "", "PersistentVolumeClaim", at("metadata annotations *"), annotations("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")},
		{"volume-binding", "", "PersistentVolume", at("spec claimRef"), unset},
		{"volume-binding", "", "PersistentVolume", at("metadata annotations *"), annotations("pv.kubernetes.io/", "volume.kubernetes.io/")},
		{"service-account-token", "", "ServiceAccount", at("secrets"), unset},
		{"injected-ca", hooks, "MutatingWebhookConfiguration", at("webhooks * clientConfig caBundle"), noCA},
		{"injected-ca", hooks, "ValidatingWebhookConfiguration", at("webhooks * clientConfig caBundle"), noCA},
		{"injected-ca", crd, "CustomResourceDefinition", at("spec conversion webhook clientConfig caBundle"), noCA},
		{"injected-ca", "apiregistration.k8s.io", "APIService", at("spec caBundle"), noCA},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec conversion"), noConversion},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec names listKind"), unset},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec names singular"), unset},
		{"aggregated-role", "rbac.authorization.k8s.io", "ClusterRole", at("rules"), aggregated},
		{"rollout-revision", apps, "Deployment", at("metadata annotations *"), annotations(last)},
		{"rollout-revision", apps, "ReplicaSet", at("metadata annotations *"), annotations("deployment.kubernetes.io/")},
		{"rollout-revision", apps, "DaemonSet", at("metadata annotations *"), annotations("deprecated.daemonset.template.generation")},
		{"job-tracking", "batch", "Job", at("metadata annotations *"), annotations("batch.kubernetes.io/")},
		{"job-tracking", "batch", "Job", at("metadata labels *"), annotations(jobLabels()...)},
		{"job-tracking", "batch", "Job", at("spec selector"), absent},
		{"job-tracking", "batch", "Job", at("spec selector matchLabels *"), annotations(jobLabels()...)},
		{"job-tracking", "batch", "Job", at("spec template metadata labels *"), annotations(jobLabels()...)},
		{"template-labels", "batch", "Job", at("metadata labels *"), templateLabel},
		{"template-labels", "", "ReplicationController", at("metadata labels *"), templateLabel},
		{"template-labels", "", "ReplicationController", at("spec selector *"), templateLabel},
		{"namespace-name", "", "Namespace", at("metadata labels *"), annotations("kubernetes.io/metadata.name")},
		{"namespace-name", "", "Namespace", at("spec finalizers"), absent},
		{"limit-range-defaults", "", "LimitRange", at("spec limits * default"), absent},
		{"limit-range-defaults", "", "LimitRange", at("spec limits * defaultRequest"), absent},
		{"pod-scheduling", "", "Pod", at("spec nodeName"), unset},
		{"pod-scheduling", "", "Pod", at("spec tolerations *"), nodeToleration},
		{"protection", "*", "*", at("metadata finalizers *"), protection},
		{"protection", "*", "*", at("metadata finalizers"), protections},
	}
}

func jobLabels() []string {
	return []string{"controller-uid", "job-name", "batch.kubernetes.io/"}
}

func rulesFor(all []rule, key object.Key) []rule {
	var out []rule
	for _, r := range all {
		if r.kind == "*" || r.kind == key.Kind && r.group == key.Group {
			out = append(out, r)
		}
	}
	return out
}

// rule names what explains a difference; empty when nothing does.
func (c *comparison) rule(p *place, desired, live any) string {
	for _, r := range c.rules {
		if p.inside(r.path) && r.when(c, p, desired, live) {
			return r.name
		}
	}
	return ""
}

// inside is below, where * also stands for any key.
func (p *place) inside(path []string) bool {
	depth := p.depth()
	for ; depth > len(path); depth-- {
		p = p.up
	}
	if depth < len(path) {
		return false
	}
	for _, name := range slices.Backward(path) {
		if name != "*" && (p.isItem() || p.name() != name) {
			return false
		}
		p = p.up
	}
	return true
}

func absent(_ *comparison, _ *place, desired, _ any) bool { return empty(desired) }

// unset is absent, where the empty string means the same.
func unset(_ *comparison, _ *place, desired, _ any) bool { return empty(desired) || desired == "" }

// noCA also takes the newline that scaffolds leave as a placeholder.
func noCA(_ *comparison, _ *place, desired, _ any) bool {
	s, _ := desired.(string)
	decoded, ok := schema.DecodeBase64(s)
	return empty(desired) || ok && strings.TrimSpace(string(decoded)) == ""
}

func noConversion(_ *comparison, _ *place, desired, live any) bool {
	m, _ := live.(map[string]any)
	return empty(desired) && (live == "None" || len(m) == 1 && m["strategy"] == "None")
}

func aggregated(c *comparison, _ *place, _, _ any) bool {
	return !empty(c.desired["aggregationRule"]) || !empty(c.live["aggregationRule"])
}

// annotations explains live-only keys with one of the prefixes.
func annotations(prefixes ...string) func(*comparison, *place, any, any) bool {
	return func(_ *comparison, p *place, desired, _ any) bool {
		return desired == nil && slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(p.name(), s) })
	}
}

// templateLabel explains what the server copies from the pod template where a
// manifest says nothing.
func templateLabel(c *comparison, p *place, desired, live any) bool {
	labels, _, _ := unstructured.NestedFieldNoCopy(c.live, "spec", "template", "metadata", "labels")
	m, _ := labels.(map[string]any)
	return desired == nil && live != nil && m[p.name()] == live
}

func nodeToleration(_ *comparison, _ *place, desired, live any) bool {
	m, _ := live.(map[string]any)
	key, _ := m["key"].(string)
	return desired == nil && strings.HasPrefix(key, "node.kubernetes.io/")
}

// protection explains the finalizers that admission and controllers set.
func protection(_ *comparison, _ *place, desired, live any) bool {
	s, _ := live.(string)
	switch s {
	case "foregroundDeletion", "orphan", "service.kubernetes.io/load-balancer-cleanup", "customresourcecleanup.apiextensions.k8s.io":
		return desired == nil
	}
	return desired == nil && strings.HasPrefix(s, "kubernetes.io/")
}

func protections(c *comparison, p *place, desired, live any) bool {
	list, _ := live.([]any)
	return empty(desired) && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !protection(c, p, nil, v) })
}

// autoscaled explains replicas that an autoscaler sets. Where its range is
// known, only a number inside it is the autoscaler's.
func autoscaled(c *comparison, p *place, _, live any) bool {
	n, ok := schema.ParseNumber(live)
	if !ok {
		return false
	}
	if a, found := c.autoscaling(c.key); found {
		return n >= a.min && n <= a.max
	}
	by := c.blame(p, live)
	if by == nil || by.Subresource != "scale" {
		return false
	}
	return by.Manager == "kube-controller-manager" || strings.HasPrefix(by.Manager, "keda-")
}
