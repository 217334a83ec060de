package known

import (
	"strings"

	"github.com/trueup-dev/trueup/drift/schema"
)

// injector writes CA bundles into objects that ask for it.
type injector struct {
	name string
	// annotations of the manifest ask for it by being there; labels by their
	// value, where empty is any.
	annotations []string
	labels      map[string]string
	managers    []string
}

func injectors() []injector {
	return []injector{
		{
			name: "cert-manager",
			annotations: []string{
				"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
				"certmanager.k8s.io/inject-ca-from", "certmanager.k8s.io/inject-apiserver-ca",
			},
			managers: []string{"cainjector", "cert-manager-cainjector*"},
		},
		{
			name:        "OpenShift service CA",
			annotations: []string{"service.beta.openshift.io/inject-cabundle", "service.alpha.openshift.io/inject-cabundle"},
			managers:    []string{"service-ca-operator"},
		},
		{name: "Istio", labels: map[string]string{"istio.io/rev": ""}, managers: []string{"istiod", "pilot-discovery"}},
		{name: "Consul", labels: map[string]string{"app": "consul", "component": "connect-injector"}, managers: []string{"consul-k8s-control-plane"}},
	}
}

// asked reports whether the manifest asks for the injector. What only live
// says does not count: a hand edit must not excuse itself.
func (i injector) asked(git map[string]any) bool {
	metadata, _ := git["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, name := range i.annotations {
		if !Empty(annotations[name]) && annotations[name] != "" && annotations[name] != "false" {
			return true
		}
	}
	labels, _ := metadata["labels"].(map[string]any)
	for name, want := range i.labels {
		if got, ok := labels[name]; !ok || want != "" && got != want {
			return false
		}
	}
	return len(i.labels) > 0
}

// injectedCA explains a bundle that the injector wrote, whatever stands in
// Git. Where nobody is known to have written it, Git must leave it open.
func injectedCA(c *Case) bool {
	if Empty(c.Live) || c.Live == "" {
		return false
	}
	for _, i := range injectors() {
		if i.asked(c.Git) {
			return c.by(i.managers...) || c.Unowned && placeholder(c.Desired)
		}
	}
	return false
}

// placeholder also takes the newline that scaffolds leave in place of a
// bundle.
func placeholder(desired any) bool {
	s, _ := desired.(string)
	decoded, ok := schema.DecodeBase64(s)
	return Empty(desired) || ok && strings.TrimSpace(string(decoded)) == ""
}
