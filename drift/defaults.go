package drift

import (
	"strings"

	"github.com/trueup-dev/trueup/internal/object"
)

// ignored reports fields that are no part of what anybody declares: status,
// what the server keeps in metadata, kubectl's record of the last apply, and
// our own marks unless Git spells them out.
func (c *comparison) ignored(p *place, desired any) bool {
	if p.isItem() {
		return false
	}
	name := p.name()
	switch p.depth() {
	case 1:
		return name == "status" || name == "apiVersion" || name == "kind"
	case 2:
		return p.up.name() == "metadata" && serverMetadata(name)
	case 3:
		if desired == nil && (p.at("metadata", "annotations", object.TrackingAnnotation) || p.at("metadata", "labels", object.ManagedLabel)) {
			return true
		}
	}
	switch p.up.name() {
	case "annotations":
		return name == "kubectl.kubernetes.io/last-applied-configuration"
	case "metadata":
		return name == "creationTimestamp"
	}
	return name == "status" && p.at("spec", "volumeClaimTemplates", "*", "status")
}

func serverMetadata(name string) bool {
	switch name {
	case "name", "namespace", "generateName", "uid", "resourceVersion", "generation", "creationTimestamp",
		"managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds":
		return true
	}
	return false
}

// presence reports fields whose empty object says something: a volume of that
// kind, or "all of them".
func presence(name string) bool {
	switch name {
	case "emptyDir", "podSelector", "namespaceSelector":
		return true
	}
	return false
}

// pointer reports fields where zero and absent are different things. Other
// zero values are lost when the server stores a native object.
func pointer(name string) bool {
	switch name {
	case "replicas", "minReplicas", "automountServiceAccountToken", "enableServiceLinks", "storageClassName", "allowPrivilegeEscalation",
		"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "tolerationSeconds", "ttlSecondsAfterFinished",
		"terminationGracePeriodSeconds", "minAvailable", "maxUnavailable", "maxSurge", "partition", "hostUsers":
		return true
	}
	return false
}

// isStringMap reports a map of strings, whose keys are told one by one. A
// field without a schema is known by its name.
func isStringMap(p *place, values map[string]any) bool {
	if p == nil || p.up == nil {
		return false
	}
	if p.typ.Known() {
		if !p.typ.IsMap() {
			return false
		}
		return p.typ.Elem.Scalar == "string" || p.typ.Elem.Scalar == "byte"
	}
	switch p.name() {
	case "labels", "annotations", "matchLabels", "nodeSelector", "selector", "data", "stringData", "binaryData":
	default:
		return false
	}
	for _, v := range values {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

// isDefault reports a value that the server fills in by itself. Who creates
// an object without apply owns these as well, without having asked for them.
func (c *comparison) isDefault(p *place, live any) bool {
	if p.typ != nil && p.typ.Default != nil && compact(p.typ.Default) == compact(live) {
		return true
	}
	if !c.native || isStringMap(p.up, p.siblings) || p.up != nil && p.up.typ.IsMap() {
		return false
	}
	if !p.isItem() {
		if live == "" || derived(p, live) {
			return true
		}
		for _, value := range c.defaults[p.name()] {
			if compact(value) == compact(live) {
				return true
			}
		}
	}
	m, ok := live.(map[string]any)
	if !ok || isStringMap(p, m) || p.typ.IsMap() {
		return false
	}
	for name, value := range m {
		if !empty(value) && !c.isDefault(p.field(name, m), value) {
			return false
		}
	}
	return true
}

// derived reports defaults that follow from the fields beside them.
func derived(p *place, live any) bool {
	switch p.name() {
	case "targetPort":
		return equalScalars("", p.siblings["port"], live)
	case "serviceAccount":
		return p.siblings["serviceAccountName"] == live
	case "imagePullPolicy":
		image, _ := p.siblings["image"].(string)
		image, _, _ = strings.Cut(image, "@")
		name := image[strings.LastIndex(image, "/")+1:]
		_, tag, tagged := strings.Cut(name, ":")
		if !tagged || tag == "latest" {
			return live == "Always"
		}
		return live == "IfNotPresent"
	case "ipFamilies":
		list, _ := live.([]any)
		return len(list) == 1
	}
	return false
}

// serverDefaults lists what the server fills into native kinds, by field.
func serverDefaults() map[string][]any {
	one, zero := int64(1), int64(0)
	return map[string][]any{
		// Pods
		"dnsPolicy": {"ClusterFirst"}, "restartPolicy": {"Always"}, "schedulerName": {"default-scheduler"},
		"terminationGracePeriodSeconds": {int64(30)}, "terminationMessagePath": {"/dev/termination-log"},
		"terminationMessagePolicy": {"File"}, "enableServiceLinks": {true}, "preemptionPolicy": {"PreemptLowerPriority"},
		"priority": {zero}, "protocol": {"TCP"}, "scheme": {"HTTP"}, "path": {"/"}, "failureThreshold": {int64(3)},
		"periodSeconds": {int64(10)}, "successThreshold": {one}, "timeoutSeconds": {one, int64(10), int64(10800)},
		"defaultMode": {int64(420)}, "expirationSeconds": {int64(3600)}, "divisor": {"0", zero}, "fsType": {"ext4"},
		// Workloads
		"replicas": {one}, "progressDeadlineSeconds": {int64(600)}, "revisionHistoryLimit": {int64(10)},
		"maxSurge": {"25%", zero}, "maxUnavailable": {"25%", one}, "partition": {zero}, "type": {"RollingUpdate", "ClusterIP", "Opaque"},
		"podManagementPolicy": {"OrderedReady"}, "whenDeleted": {"Retain"}, "whenScaled": {"Retain"},
		"concurrencyPolicy": {"Allow"}, "suspend": {false}, "failedJobsHistoryLimit": {one}, "successfulJobsHistoryLimit": {int64(3)},
		"completions": {one}, "parallelism": {one}, "backoffLimit": {int64(6)}, "completionMode": {"NonIndexed"},
		"podReplacementPolicy": {"TerminatingOrFailed", "Failed"}, "manualSelector": {false},
		"minReplicas": {one}, "selectPolicy": {"Max"},
		// Networking
		"sessionAffinity": {"None"}, "ipFamilyPolicy": {"SingleStack"}, "internalTrafficPolicy": {"Cluster"},
		"externalTrafficPolicy": {"Cluster"}, "allocateLoadBalancerNodePorts": {true},
		"policyTypes": {[]any{"Ingress"}, []any{"Ingress", "Egress"}},
		// Storage
		"apiVersion": {"v1"}, "kind": {"PersistentVolumeClaim"}, "volumeMode": {"Filesystem"},
		"persistentVolumeReclaimPolicy": {"Retain"}, "reclaimPolicy": {"Delete"}, "volumeBindingMode": {"Immediate"},
		"attachRequired": {true}, "podInfoOnMount": {false}, "requiresRepublish": {false}, "storageCapacity": {false},
		"seLinuxMount": {false}, "fsGroupPolicy": {"ReadWriteOnceWithFSType"}, "volumeLifecycleModes": {[]any{"Persistent"}},
		// Admission, access, scheduling
		"failurePolicy": {"Fail"}, "matchPolicy": {"Equivalent"}, "reinvocationPolicy": {"Never"}, "scope": {"*", "Cluster"},
		"port": {int64(443)}, "apiGroup": {"rbac.authorization.k8s.io"}, "globalDefault": {false}, "strategy": {"None"},
	}
}
