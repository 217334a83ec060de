package known

import (
	"strings"

	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/object"
)

// Controller is the name under which the additions of known controllers are
// told.
const Controller = "controller"

// Case is one difference that a rule judges.
type Case struct {
	Key object.Key
	// Git and Cluster are the whole objects.
	Git, Cluster map[string]any
	// Name of the field; empty for the item of a list.
	Name          string
	Desired, Live any
	// By is who wrote the live value; nil is nobody that is known. It is asked
	// only where it matters.
	By func() *ownership.Claim
	// Unowned says that the live object comes without managedFields, so that
	// nothing is known of who wrote what.
	Unowned bool
	// Manager is our own name, under which we apply.
	Manager string
	// Path is where the difference is.
	Path  func() object.Path
	World *World
}

// by reports whether the live value was written by one of the managers.
func (c *Case) by(managers ...string) bool {
	by := c.By()
	return by != nil && ownership.Names(managers, by.Manager)
}

// byHand reports whether somebody wrote the live value by hand, as far as a
// client's name tells. Who created the object does not own what admission
// added to it, only what was sent and what the API type defaults.
func (c *Case) byHand() bool { return c.by(ownership.HandClients()...) }

// byUs reports whether the live value is what we applied.
func (c *Case) byUs() bool {
	by := c.By()
	return by != nil && by.Manager == c.Manager && by.Operation == "Apply"
}

// Rule explains differences at one place of one kind.
type Rule struct {
	Name        string
	Group, Kind string // Kind * is every kind of every group
	// Path is of field names; * stands for any name, and for any item.
	Path []string
	When func(c *Case) bool
}

// For lists the rules that can concern an object. The order does not matter:
// one place is explained by one rule.
func For(all []Rule, key object.Key) []Rule {
	var out []Rule
	for _, r := range all {
		if r.Kind == "*" || r.Kind == key.Kind && r.Group == key.Group {
			out = append(out, r)
		}
	}
	return out
}

// Rules lists what is expected to differ.
func Rules() []Rule {
	const (
		apps, crd, hooks = "apps", "apiextensions.k8s.io", "admissionregistration.k8s.io"
		last             = "deployment.kubernetes.io/revision"
	)
	out := []Rule{
		{"autoscaler", "*", "*", at("spec replicas"), autoscaled},
		{"autoscaler", "autoscaling", "HorizontalPodAutoscaler", at("metadata annotations *"), annotations("autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics")},
		{"vertical-autoscaler", "*", "*", at("spec template spec containers * resources"), resized},
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
		{"service-account-token", "", "Secret", at("data *"), accountToken},
		{"service-account-token", "", "Secret", at("metadata annotations *"), annotations("kubernetes.io/service-account.uid")},
		{"node-lifecycle", "", "Node", at("metadata annotations *"), annotations("node.alpha.kubernetes.io/", "volumes.kubernetes.io/controller-managed-attach-detach")},
		{"injected-ca", hooks, "MutatingWebhookConfiguration", at("webhooks * clientConfig caBundle"), injectedCA},
		{"injected-ca", hooks, "ValidatingWebhookConfiguration", at("webhooks * clientConfig caBundle"), injectedCA},
		{"injected-ca", crd, "CustomResourceDefinition", at("spec conversion webhook clientConfig caBundle"), injectedCA},
		{"injected-ca", "apiregistration.k8s.io", "APIService", at("spec caBundle"), injectedCA},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec conversion"), noConversion},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec names listKind"), exactly(listKind)},
		{"crd-defaults", crd, "CustomResourceDefinition", at("spec names singular"), exactly(singular)},
		{"aggregated-role", "rbac.authorization.k8s.io", "ClusterRole", at("rules"), aggregated},
		{"rollout-revision", apps, "Deployment", at("metadata annotations *"), annotations(last)},
		{"rollout-revision", apps, "ReplicaSet", at("metadata annotations *"), annotations("deployment.kubernetes.io/")},
		{"rollout-revision", apps, "DaemonSet", at("metadata annotations deprecated.daemonset.template.generation"), generation},
		{"job-tracking", "batch", "Job", at("metadata annotations *"), annotations("batch.kubernetes.io/")},
		{"job-tracking", "batch", "Job", at("metadata labels *"), annotations(jobLabels()...)},
		{"job-tracking", "batch", "Job", at("spec selector"), absent},
		{"job-tracking", "batch", "Job", at("spec selector matchLabels *"), annotations(jobLabels()...)},
		{"job-tracking", "batch", "Job", at("spec template metadata labels *"), annotations(jobLabels()...)},
		{"template-labels", "batch", "Job", at("metadata labels *"), templateLabel},
		{"template-labels", "", "ReplicationController", at("metadata labels *"), templateLabel},
		{"template-labels", "", "ReplicationController", at("spec selector *"), templateLabel},
		{"namespace-name", "", "Namespace", at("metadata labels kubernetes.io/metadata.name"), exactly(ownName)},
		{"namespace-name", "", "Namespace", at("spec finalizers"), namespaceFinalizer},
		{"limit-range-defaults", "", "LimitRange", at("spec limits * default"), limitDefault},
		{"limit-range-defaults", "", "LimitRange", at("spec limits * defaultRequest"), limitDefault},
		{"limit-range-defaults", "", "Pod", at("metadata annotations *"), annotations("kubernetes.io/limit-ranger")},
		{"pod-scheduling", "", "Pod", at("spec nodeName"), unset},
		{"pod-scheduling", "", "Pod", at("spec tolerations *"), nodeToleration},
		{"protection", "*", "*", at("metadata finalizers *"), protection},
		{"protection", "*", "*", at("metadata finalizers"), protections},
	}
	return append(out, sidecarRules()...)
}

// Meaning is what a rule explains, for people.
type Meaning struct{ Name, Says string }

// Meanings explains every rule, in the order of documentation.
func Meanings() []Meaning {
	return []Meaning{
		{"autoscaler", "Replicas between the bounds of a HorizontalPodAutoscaler or KEDA ScaledObject that is live and targets this very workload, unless somebody else wrote them; where nobody is known to, its status must say that it scaled to that number. Annotations that hold the status in an old API version."},
		{"vertical-autoscaler", "Container resources that a VerticalPodAutoscaler wrote which is live and targets this very workload, inside what it allows."},
		{"injected-ca", "A CA bundle that the injector wrote which the manifest asks for by annotation or label: cert-manager, OpenShift's service CA, Istio, Consul."},
		{"sidecar", "Containers and volumes in a pod, or in a workload's pod template, that Istio, Linkerd, Vault, Jaeger or OpenTelemetry injected: they carry the webhook's own names, the object its mark, and both were written at once, not by hand."},
		{"aggregated-role", "Rules of a ClusterRole whose manifest has an aggregationRule, unless somebody else than the aggregating controller wrote them."},
		{"service-allocation", "Cluster IPs and node ports that a manifest leaves open, unless somebody chose them by hand."},
		{"volume-binding", "The volume, class and annotations that binding a claim sets."},
		{"service-account-token", "Token secrets listed in a ServiceAccount, and what the token controller fills into the ones that Git asks for."},
		{"crd-defaults", "Names that follow from the kind, and the conversion strategy None."},
		{"rollout-revision", "The revision annotations of Deployments, ReplicaSets and DaemonSets."},
		{"job-tracking", "Labels, annotations and the selector that the Job controller generates."},
		{"template-labels", "Labels and selectors that are copied from the pod template where a manifest has none."},
		{"namespace-name", "The label with the name of a Namespace, and its finalizer."},
		{"limit-range-defaults", "Defaults of a LimitRange that follow from its bounds, and the note on a Pod that it gave resources to."},
		{"pod-scheduling", "The node of a Pod, and the tolerations of what may be wrong with a node; by hand, only those that admission gives every Pod."},
		{"node-lifecycle", "Annotations that the kubelet and the node controller keep on a Node."},
		{"protection", "Finalizers of Kubernetes itself."},
		{Controller, "What a known controller added that a manifest does not mention."},
	}
}

func at(path string) []string { return strings.Split(path, " ") }

func jobLabels() []string {
	return []string{"controller-uid", "job-name", "batch.kubernetes.io/"}
}
