package schema

// Presence reports fields of native kinds whose empty object says something: a
// label selector selects all, a volume is of that kind, and what has no known
// members is stored as it was sent.
func Presence(name string, t *Type) bool {
	if t != nil && !t.Known() {
		return true
	}
	if t != nil && t.Fields["matchLabels"] != nil {
		return true
	}
	switch name {
	case "emptyDir", "downwardAPI", "projected", "podSelector", "namespaceSelector", "aggregationRule":
		return !t.IsMap()
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
