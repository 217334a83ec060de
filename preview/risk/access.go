package risk

func access() []Rule {
	const group = "rbac.authorization.k8s.io/"
	bindings := []string{group + "RoleBinding", group + "ClusterRoleBinding"}
	return []Rule{
		{
			Name: "rbac-wider", Severity: Critical, About: "A role allows more than before, or a new role allows anything.",
			Kinds: []string{group + "Role", group + "ClusterRole"}, Find: widerRole,
		},
		{
			Name: "rbac-aggregated", Severity: Critical, About: "A role adds what it allows to others, such as admin, edit and view, and so to everybody who has them; or it takes in what more roles allow.",
			Kinds: []string{group + "ClusterRole"}, Find: newAggregations,
		},
		{
			Name: "rbac-subject", Severity: Warning, About: "Somebody else gets a role.",
			Kinds: bindings, Find: func(c Change) []string { return newSubjects(c, false) },
		},
		{
			Name: "rbac-admin", Severity: Critical, About: "Somebody gets the role cluster-admin, which allows everything.",
			Kinds: bindings, Find: func(c Change) []string { return newSubjects(c, true) },
		},
		{
			Name: "privileged", Severity: Critical, About: "A pod gets more of its node: privileged, host namespaces, host paths, added capabilities, root.",
			Find: morePrivileged,
		},
		{
			Name: "guard-removed", Severity: Warning, About: "What keeps a container from more goes away: `runAsNonRoot`, a user other than root, `drop: [ALL]`, `allowPrivilegeEscalation: false`.",
			Find: removedGuards,
		},
		{
			Name: "exposed", Severity: Warning, About: "A service becomes reachable from outside, or its load balancer from every address; or a network policy goes away, or lets everybody, or every pod of the cluster, through.",
			Kinds: []string{"/Service", "networking.k8s.io/NetworkPolicy"}, Find: exposed,
		},
	}
}
