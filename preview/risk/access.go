package risk

import (
	"fmt"
	"slices"
)

func access() []Rule {
	const group = "rbac.authorization.k8s.io/"
	bindings := []string{group + "RoleBinding", group + "ClusterRoleBinding"}
	return []Rule{
		{
			Name: "rbac-wider", Severity: Critical, About: "A role allows more than before, or a new role allows anything.",
			Kinds: []string{group + "Role", group + "ClusterRole"}, Find: widerRole,
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
			Name: "exposed", Severity: Warning, About: "A service becomes reachable from outside, or a network policy goes away.",
			Kinds: []string{"/Service", "networking.k8s.io/NetworkPolicy"}, Find: exposed,
		},
	}
}

func morePrivileged(c Change) []string {
	before, after := privileges(c.Before), privileges(c.After)
	var added []string
	for p := range after {
		if !before[p] {
			added = append(added, p)
		}
	}
	slices.Sort(added)
	return added
}

// privileges lists what the pods of a workload have of their node.
func privileges(manifest map[string]any) map[string]bool {
	out := map[string]bool{}
	spec := podSpec(manifest)
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if spec[field] == true {
			out["uses the node's "+field] = true
		}
	}
	for _, v := range listAt(spec, "volumes") {
		volume, _ := v.(map[string]any)
		if path, ok := mapAt(volume, "hostPath")["path"]; ok {
			out[fmt.Sprintf("mounts %v of the node", path)] = true
		}
	}
	for name, container := range containers(manifest) {
		context := mapAt(container, "securityContext")
		if context["privileged"] == true {
			out["runs "+name+" privileged"] = true
		}
		if context["allowPrivilegeEscalation"] == true {
			out["lets "+name+" gain privileges"] = true
		}
		if n, ok := number(context["runAsUser"]); ok && n == 0 {
			out["runs "+name+" as root"] = true
		}
		for _, capability := range texts(mapAt(context, "capabilities")["add"]) {
			out["gives "+name+" the capability "+capability] = true
		}
	}
	return out
}

func exposed(c Change) []string {
	if c.Key.Kind == "NetworkPolicy" {
		if c.Deleted && c.After == nil && c.Kept == "" {
			return []string{"opens what the policy closed"}
		}
		return nil
	}
	outside := func(manifest map[string]any) string {
		t, _ := mapAt(manifest, "spec")["type"].(string)
		if t == "LoadBalancer" || t == "NodePort" {
			return t
		}
		return ""
	}
	if now := outside(c.After); now != "" && outside(c.Before) != now {
		return []string{"is reachable from outside now: " + now}
	}
	return nil
}
