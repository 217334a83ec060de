package orphan

import "strings"

// mark is a label or an annotation by which somebody tracks an object.
type mark struct {
	name       string
	annotation bool
}

func marks() []mark {
	return []mark{
		{name: "argocd.argoproj.io/tracking-id", annotation: true},
		{name: "kustomize.toolkit.fluxcd.io/name"},
		{name: "helm.toolkit.fluxcd.io/name"},
		{name: "objectset.rio.cattle.io/hash"},
	}
}

// Copy describes objects that are made for others, or for every namespace.
type Copy struct {
	// Group and Kind select by kind; * is any.
	Group, Kind string
	// Name is the object's; a trailing * matches any rest, and empty is any.
	Name string
	// Mark is a label or an annotation that must be there; empty asks for none.
	Mark string
	// Says is why nobody tracks them.
	Says string
}

func copies() []Copy {
	return []Copy{
		{"", "Event", "", "", "a report, which the server forgets"},
		{"events.k8s.io", "Event", "", "", "a report, which the server forgets"},
		{"", "Endpoints", "", "", "made of a Service"},
		{"discovery.k8s.io", "EndpointSlice", "", "", "made of a Service"},
		{"coordination.k8s.io", "Lease", "", "", "who leads among replicas"},
		{"storage.k8s.io", "CSIStorageCapacity", "", "", "what a driver measured"},
		{"metrics.k8s.io", "*", "", "", "measured, not stored"},
		{"apps", "ControllerRevision", "", "", "the history of a workload"},
		{"wgpolicyk8s.io", "*", "", "", "reports of policies"},
		{"reports.kyverno.io", "*", "", "", "reports of policies"},
		{"cilium.io", "CiliumEndpoint", "", "", "made of a Pod"},
		{"", "ServiceAccount", "default", "", "every namespace has it"},
		{"", "ConfigMap", "kube-root-ca.crt", "", "every namespace has it"},
		{"", "ConfigMap", "openshift-service-ca.crt", "", "every namespace has it"},
		{"", "ConfigMap", "istio-ca-root-cert", "", "every namespace of the mesh has it"},
		{"", "ConfigMap", "", "control-plane.alpha.kubernetes.io/leader", "who leads among replicas"},
		{"", "Service", "kubernetes", "", "the API server's own"},
		{"", "Secret", "sh.helm.release.v1.*", "", "the history of a Helm release"},
		{"", "Secret", "", "kubernetes.io/service-account.name", "the token of a ServiceAccount"},
	}
}

func (c Copy) matches(o Object) bool {
	if c.Group != "*" && c.Group != o.Key.Group || c.Kind != "*" && c.Kind != o.Key.Kind {
		return false
	}
	if prefix, open := strings.CutSuffix(c.Name, "*"); open && !strings.HasPrefix(o.Key.Name, prefix) || !open && c.Name != "" && c.Name != o.Key.Name {
		return false
	}
	return c.Mark == "" || o.Labels[c.Mark] != "" || o.Annotations[c.Mark] != ""
}

// Copies lists what is never orphaned, for documentation.
func Copies() []Copy { return copies() }
