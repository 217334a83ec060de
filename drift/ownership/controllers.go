package ownership

import "strings"

// KnownControllers lists managers whose additions are how Kubernetes and
// common add-ons work. Clients that people use by hand are not here.
func KnownControllers() []string {
	return []string{
		"kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "kwok", "cloud-controller-manager",
		"service-controller", "csi-provisioner", "external-provisioner", "cluster-autoscaler",
		"cainjector", "cert-manager-*", "vpa-*", "keda-operator*", "istiod", "pilot-discovery", "linkerd-*",
		"external-dns", "aws-load-balancer-controller", "rollouts-controller",
	}
}

// HandClients lists managers that people use by hand: kubectl with all its
// commands, OpenShift's, k9s, Lens, and consoles in a browser.
func HandClients() []string {
	return []string{"kubectl", "kubectl-*", "oc", "k9s", "node-fetch", "Mozilla", "dashboard", "dashboard-api"}
}

// Names reports whether a manager is in a list of names, where a trailing *
// stands for any rest.
func Names(list []string, manager string) bool {
	for _, name := range list {
		if prefix, open := strings.CutSuffix(name, "*"); manager == name || open && strings.HasPrefix(manager, prefix) {
			return true
		}
	}
	return false
}
