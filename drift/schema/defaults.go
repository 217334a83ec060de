package schema

import (
	"slices"
	"strings"
)

// Default is a value that the server fills into native kinds where a manifest
// has none.
type Default struct {
	// Kinds that it counts for; Above is the whole path then. Without any, it
	// counts in all kinds at each place that Above leads to.
	Kinds []string
	// Above are the names above the field; * is an item of a list.
	Above []string
	Value any
}

// For reports whether the default counts in a kind.
func (d Default) For(kind string) bool { return len(d.Kinds) == 0 || slices.Contains(d.Kinds, kind) }

// ServerDefaults lists defaults by the field's name. What depends on other
// fields is not among them.
func ServerDefaults() map[string][]Default {
	out := map[string][]Default{}
	for _, group := range [][]filled{podDefaults(), volumeDefaults(), workloadDefaults(), networkDefaults(), otherDefaults()} {
		for _, f := range group {
			path := strings.Fields(f.path)
			name := path[len(path)-1]
			out[name] = append(out[name], Default{Kinds: strings.Fields(f.kinds), Above: path[:len(path)-1], Value: f.value})
		}
	}
	return out
}

// filled is a Default in short: words in place of lists.
type filled struct {
	kinds, path string
	value       any
}

// Of integers the server knows one type.
const (
	zero = int64(0)
	one  = int64(1)
)

func podDefaults() []filled {
	out := []filled{
		{"", "spec dnsPolicy", "ClusterFirst"},
		{"", "spec restartPolicy", "Always"}, // not that of an init container, which makes it a sidecar
		{"", "spec schedulerName", "default-scheduler"},
		{"", "spec terminationGracePeriodSeconds", int64(30)},
		{"Pod", "spec enableServiceLinks", true},
		{"Pod", "spec preemptionPolicy", "PreemptLowerPriority"},
		{"Pod", "spec priority", zero},
		{"", "terminationMessagePath", "/dev/termination-log"},
		{"", "terminationMessagePolicy", "File"},
		{"", "httpGet scheme", "HTTP"},
		{"", "httpGet path", "/"},
		{"", "httpGet protocol", "HTTP1"},
		{"", "fieldRef apiVersion", "v1"},
		{"", "resourceFieldRef divisor", "0"},
		{"", "resourceFieldRef divisor", zero},
		{"", "fileKeyRef optional", false},
	}
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		out = append(out,
			filled{"", probe + " failureThreshold", int64(3)},
			filled{"", probe + " periodSeconds", int64(10)},
			filled{"", probe + " successThreshold", one},
			filled{"", probe + " timeoutSeconds", one})
	}
	return out
}

func volumeDefaults() []filled {
	return []filled{
		{"", "secret defaultMode", int64(420)},
		{"", "configMap defaultMode", int64(420)},
		{"", "downwardAPI defaultMode", int64(420)},
		{"", "projected defaultMode", int64(420)},
		{"", "serviceAccountToken expirationSeconds", int64(3600)},
		{"", "podCertificate maxExpirationSeconds", int64(86400)},
		{"", "azureDisk fsType", "ext4"},
		{"", "azureDisk cachingMode", "ReadWrite"},
		{"", "azureDisk kind", "Shared"},
		{"", "azureDisk readOnly", false},
		{"", "iscsi iscsiInterface", "default"},
		{"", "rbd keyring", "/etc/ceph/keyring"},
		{"", "rbd pool", "rbd"},
		{"", "rbd user", "admin"},
		{"", "scaleIO fsType", "xfs"},
		{"", "scaleIO storageMode", "ThinProvisioned"},
		{"", "volumeMode", "Filesystem"},
		{"", "volumeClaimTemplates * apiVersion", "v1"},
		{"", "volumeClaimTemplates * kind", "PersistentVolumeClaim"},
		{"", "claimRef apiVersion", "v1"},
		{"", "claimRef kind", "PersistentVolumeClaim"},
		{"", "persistentVolumeReclaimPolicy", "Retain"},
		{"StorageClass", "reclaimPolicy", "Delete"},
		{"StorageClass", "volumeBindingMode", "Immediate"},
		{"CSIDriver", "spec attachRequired", true},
		{"CSIDriver", "spec podInfoOnMount", false},
		{"CSIDriver", "spec requiresRepublish", false},
		{"CSIDriver", "spec storageCapacity", false},
		{"CSIDriver", "spec seLinuxMount", false},
		{"CSIDriver", "spec preventPodSchedulingIfMissing", false},
		{"CSIDriver", "spec fsGroupPolicy", "ReadWriteOnceWithFSType"},
		{"CSIDriver", "spec volumeLifecycleModes", []any{"Persistent"}},
	}
}

func workloadDefaults() []filled {
	policy := func(kind string, value int64) map[string]any {
		return map[string]any{"type": kind, "value": value, "periodSeconds": int64(15)}
	}
	return []filled{
		{"Deployment StatefulSet ReplicaSet ReplicationController", "spec replicas", one},
		{"Deployment StatefulSet DaemonSet", "spec revisionHistoryLimit", int64(10)},
		{"Deployment", "spec progressDeadlineSeconds", int64(600)},
		{"Deployment", "spec strategy type", "RollingUpdate"},
		{"Deployment", "spec strategy rollingUpdate maxSurge", "25%"},
		{"Deployment", "spec strategy rollingUpdate maxUnavailable", "25%"},
		{"DaemonSet StatefulSet", "spec updateStrategy type", "RollingUpdate"},
		{"DaemonSet", "spec updateStrategy rollingUpdate maxSurge", zero},
		{"DaemonSet StatefulSet", "spec updateStrategy rollingUpdate maxUnavailable", one},
		{"StatefulSet", "spec updateStrategy rollingUpdate partition", zero},
		{"StatefulSet", "spec podManagementPolicy", "OrderedReady"},
		{"StatefulSet", "spec persistentVolumeClaimRetentionPolicy whenDeleted", "Retain"},
		{"StatefulSet", "spec persistentVolumeClaimRetentionPolicy whenScaled", "Retain"},
		{"StatefulSet", "spec ordinals start", zero},
		// A Job in a CronJob gets its own when it is made.
		{"Job", "spec parallelism", one},
		{"Job", "spec completionMode", "NonIndexed"},
		{"Job", "spec suspend", false},
		{"Job", "spec manualSelector", false},
		{"", "podFailurePolicy rules * onPodConditions * status", "True"},
		{"CronJob", "spec concurrencyPolicy", "Allow"},
		{"CronJob", "spec suspend", false},
		{"CronJob", "spec failedJobsHistoryLimit", one},
		{"CronJob", "spec successfulJobsHistoryLimit", int64(3)},
		{"HorizontalPodAutoscaler", "spec minReplicas", one},
		{"HorizontalPodAutoscaler", "spec targetCPUUtilizationPercentage", int64(80)},
		{"HorizontalPodAutoscaler", "spec metrics", []any{map[string]any{"type": "Resource", "resource": map[string]any{
			"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": int64(80)},
		}}}},
		{"HorizontalPodAutoscaler", "spec behavior scaleUp stabilizationWindowSeconds", zero},
		{"HorizontalPodAutoscaler", "spec behavior scaleUp selectPolicy", "Max"},
		{"HorizontalPodAutoscaler", "spec behavior scaleUp policies", []any{policy("Pods", 4), policy("Percent", 100)}},
		{"HorizontalPodAutoscaler", "spec behavior scaleDown selectPolicy", "Max"},
		{"HorizontalPodAutoscaler", "spec behavior scaleDown policies", []any{policy("Percent", 100)}},
	}
}

func networkDefaults() []filled {
	return []filled{
		{"", "ports * protocol", "TCP"},
		{"Service", "spec type", "ClusterIP"},
		{"Service", "spec sessionAffinity", "None"},
		{"Service", "spec sessionAffinityConfig clientIP timeoutSeconds", int64(10800)},
		{"Service", "spec ipFamilyPolicy", "SingleStack"},
		{"Service", "spec internalTrafficPolicy", "Cluster"},
		{"Service", "spec externalTrafficPolicy", "Cluster"},
		{"Service", "spec allocateLoadBalancerNodePorts", true},
		{"IngressClass", "spec parameters scope", "Cluster"},
	}
}

func otherDefaults() []filled {
	everything := map[string]any{}
	out := []filled{
		{"Secret", "type", "Opaque"},
		// Admission
		{"", "webhooks * failurePolicy", "Fail"},
		{"", "webhooks * matchPolicy", "Equivalent"},
		{"", "webhooks * timeoutSeconds", int64(10)},
		{"", "webhooks * reinvocationPolicy", "Never"},
		{"", "webhooks * rules * scope", "*"},
		{"", "resourceRules * scope", "*"},
		{"", "excludeResourceRules * scope", "*"},
		{"ValidatingAdmissionPolicy MutatingAdmissionPolicy", "spec failurePolicy", "Fail"},
		{"", "clientConfig service port", int64(443)},
		{"APIService", "spec service port", int64(443)},
		{"CustomResourceDefinition", "spec conversion strategy", "None"},
		// Access
		{"RoleBinding ClusterRoleBinding", "roleRef apiGroup", "rbac.authorization.k8s.io"},
		// Scheduling
		{"PriorityClass", "preemptionPolicy", "PreemptLowerPriority"},
		{"PriorityClass", "globalDefault", false},
		{"PodGroup CompositePodGroup", "spec disruptionMode", map[string]any{"single": map[string]any{}}},
		{"FlowSchema", "spec matchingPrecedence", int64(1000)},
		{"PriorityLevelConfiguration", "spec exempt nominalConcurrencyShares", zero},
		{"PriorityLevelConfiguration", "spec exempt lendablePercent", zero},
		{"PriorityLevelConfiguration", "spec limited nominalConcurrencyShares", int64(30)},
		{"PriorityLevelConfiguration", "spec limited lendablePercent", zero},
		{"PriorityLevelConfiguration", "spec limited limitResponse queuing handSize", int64(8)},
		{"PriorityLevelConfiguration", "spec limited limitResponse queuing queues", int64(64)},
		{"PriorityLevelConfiguration", "spec limited limitResponse queuing queueLengthLimit", int64(50)},
		// Devices
		{"", "allocationMode", "ExactCount"},
		{"", "devices requests * count", one},
		{"", "devices requests * exactly count", one},
		{"", "devices requests * firstAvailable * count", one},
		{"", "devices requests * tolerations * operator", "Equal"},
		{"", "devices requests * exactly tolerations * operator", "Equal"},
		{"", "devices requests * firstAvailable * tolerations * operator", "Equal"},
	}
	for _, place := range []string{"webhooks *", "matchConstraints", "matchResources"} {
		out = append(out,
			filled{"", place + " namespaceSelector", everything},
			filled{"", place + " objectSelector", everything})
		if place != "webhooks *" {
			out = append(out, filled{"", place + " matchPolicy", "Equivalent"})
		}
	}
	return out
}
