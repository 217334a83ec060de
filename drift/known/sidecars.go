package known

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/ownership"
)

// sidecar is a webhook that adds to pods.
type sidecar struct {
	webhook string
	// marks are the annotations and labels that it leaves where it was at
	// work.
	marks []string
	// items are the names of what it adds; a trailing * matches any rest.
	items []string
}

func sidecars() []sidecar {
	return []sidecar{
		{"Istio", []string{"sidecar.istio.io/status"}, []string{"istio-*", "workload-socket", "workload-certs", "credential-socket"}},
		{"Linkerd", []string{"linkerd.io/proxy-version"}, []string{"linkerd-*"}},
		{"Vault", []string{"vault.hashicorp.com/agent-inject-status"}, []string{"vault-agent*", "home-init", "home-sidecar", "vault-secrets"}},
		{"Jaeger", []string{"sidecar.jaegertracing.io/injected"}, []string{"jaeger-agent"}},
		{"OpenTelemetry", []string{"sidecar.opentelemetry.io/injected"}, []string{"otc-container", "opentelemetry-auto-instrumentation*"}},
	}
}

// sidecarRules are those of pods, and of everything with a pod template.
func sidecarRules() []Rule {
	var out []Rule
	for _, pod := range []struct{ group, kind, path string }{{"", "Pod", ""}, {"*", "*", "spec template "}} {
		meta, _ := strings.CutSuffix(pod.path, " ")
		root := strings.Fields(meta)
		for _, list := range []string{"containers", "initContainers", "volumes"} {
			out = append(out, Rule{"sidecar", pod.group, pod.kind, at(pod.path + "spec " + list + " *"), sidecarAt(root)})
		}
		for _, marks := range []string{"annotations", "labels"} {
			out = append(out, Rule{"sidecar", pod.group, pod.kind, at(pod.path + "metadata " + marks + " *"), markAt(root)})
		}
	}
	return out
}

// sidecarAt explains items with a webhook's names beside the webhook's mark,
// where whoever is said to own the one owns the other: both came with one
// write, and not by hand. root is where the pod begins.
func sidecarAt(root []string) func(*Case) bool {
	return func(c *Case) bool {
		m, _ := c.Live.(map[string]any)
		if c.Desired != nil || c.Name != "" || m == nil {
			return false
		}
		name, _ := m["name"].(string)
		for _, s := range sidecars() {
			if ownership.Names(s.items, name) && s.marked(c, root) && !c.sent() {
				return true
			}
		}
		return false
	}
}

func markAt(root []string) func(*Case) bool {
	return func(c *Case) bool {
		if c.Desired != nil {
			return false
		}
		for _, s := range sidecars() {
			if slices.Contains(s.marks, c.Name) && s.present(c, root) && !c.sent() {
				return true
			}
		}
		return false
	}
}

// sent reports what no webhook added: it came by hand, or with an earlier
// manifest.
func (c *Case) sent() bool { return c.byHand() || c.byUs() }

// marked reports the webhook's mark in live, written along with the item.
func (s sidecar) marked(c *Case, root []string) bool {
	for _, where := range []string{"annotations", "labels"} {
		values, _, _ := unstructured.NestedFieldNoCopy(c.Cluster, append(slices.Clone(root), "metadata", where)...)
		m, _ := values.(map[string]any)
		for _, mark := range s.marks {
			if _, ok := m[mark]; !ok {
				continue
			}
			by := c.By()
			if by == nil {
				return c.Unowned
			}
			elements := make([]string, 0, len(root)+3)
			for _, name := range append(slices.Clone(root), "metadata", where, mark) {
				elements = append(elements, "f:"+name)
			}
			owns, _ := by.Reaches(elements)
			return owns
		}
	}
	return false
}

// present reports an item of the webhook beside its mark.
func (s sidecar) present(c *Case, root []string) bool {
	for _, list := range []string{"containers", "initContainers"} {
		items, _, _ := unstructured.NestedFieldNoCopy(c.Cluster, append(slices.Clone(root), "spec", list)...)
		all, _ := items.([]any)
		for _, item := range all {
			m, _ := item.(map[string]any)
			if name, _ := m["name"].(string); name != "" && ownership.Names(s.items, name) {
				return true
			}
		}
	}
	return false
}
