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
