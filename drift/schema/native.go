package schema

// Presence reports fields whose empty object says something: a volume of that
// kind, or "all of them".
func Presence(name string) bool {
	switch name {
	case "emptyDir", "podSelector", "namespaceSelector":
		return true
	}
	return false
}

// Pointer reports fields where zero and absent are different things. Other
// zero values are lost when the server stores a native object.
func Pointer(name string) bool {
	switch name {
	case "replicas", "minReplicas", "automountServiceAccountToken", "enableServiceLinks", "storageClassName", "allowPrivilegeEscalation",
		"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "tolerationSeconds", "ttlSecondsAfterFinished",
		"terminationGracePeriodSeconds", "minAvailable", "maxUnavailable", "maxSurge", "partition", "hostUsers":
		return true
	}
	return false
}

// ServerDefaults lists what the server fills into native kinds, by field.
func ServerDefaults() map[string][]any {
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
		"scaleUp": {map[string]any{"stabilizationWindowSeconds": zero, "selectPolicy": "Max", "policies": []any{
			map[string]any{"type": "Pods", "value": int64(4), "periodSeconds": int64(15)},
			map[string]any{"type": "Percent", "value": int64(100), "periodSeconds": int64(15)},
		}}},
		"scaleDown": {map[string]any{"selectPolicy": "Max", "policies": []any{
			map[string]any{"type": "Percent", "value": int64(100), "periodSeconds": int64(15)},
		}}},
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
