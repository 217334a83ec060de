package risk

import (
	"fmt"
	"slices"
	"strings"
)

func access() []Rule {
	const group = "rbac.authorization.k8s.io/"
	return []Rule{
		{
			Name: "rbac-wider", Severity: Critical, About: "A role allows more than before, or a new role allows anything.",
			Kinds: []string{group + "Role", group + "ClusterRole"}, Find: widerRole,
		},
		{
			Name: "rbac-subject", Severity: Warning, About: "Somebody else gets a role.",
			Kinds: []string{group + "RoleBinding", group + "ClusterRoleBinding"}, Find: newSubjects,
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

// permissions lists what rules allow, one line for each verb on each thing.
func permissions(manifest map[string]any) map[string]bool {
	out := map[string]bool{}
	for _, item := range listAt(manifest, "rules") {
		rule, _ := item.(map[string]any)
		verbs := texts(rule["verbs"])
		names := texts(rule["resourceNames"])
		if len(names) == 0 {
			names = []string{""}
		}
		groups := texts(rule["apiGroups"])
		if len(groups) == 0 {
			groups = []string{""}
		}
		for _, verb := range verbs {
			for _, url := range texts(rule["nonResourceURLs"]) {
				out[verb+" "+url] = true
			}
			for _, group := range groups {
				for _, resource := range texts(rule["resources"]) {
					for _, name := range names {
						what := resource
						if group != "" {
							what += "." + group
						}
						if name != "" {
							what += "/" + name
						}
						out[verb+" "+what] = true
					}
				}
			}
		}
	}
	return out
}

// covered reports a permission that others include.
func covered(permission string, by map[string]bool) bool {
	verb, what, _ := strings.Cut(permission, " ")
	resource, group, _ := strings.Cut(what, ".")
	whole, _, named := strings.Cut(what, "/")
	for _, v := range []string{verb, "*"} {
		for _, w := range []string{what, resource + ".*", "*." + group, "*.*"} {
			if by[v+" "+w] || group == "" && by[v+" *"] {
				return true
			}
		}
		if named && by[v+" "+whole] {
			return true
		}
	}
	return false
}

func widerRole(c Change) []string {
	if c.After == nil {
		return nil
	}
	before, after := permissions(c.Before), permissions(c.After)
	var added []string
	for p := range after {
		if covered(p, before) {
			continue
		}
		// What a new role allows is the change itself; only what is boundless is
		// worth a warning.
		if c.Before == nil && !strings.Contains(p, "*") {
			continue
		}
		added = append(added, p)
	}
	if len(added) == 0 {
		return nil
	}
	slices.Sort(added)
	return []string{"allows more: " + few(added)}
}

// few lists some of many.
func few(all []string) string {
	const most = 5
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}

func newSubjects(c Change) []string {
	if c.After == nil {
		return nil
	}
	subjects := func(manifest map[string]any) map[string]bool {
		out := map[string]bool{}
		for _, item := range listAt(manifest, "subjects") {
			s, _ := item.(map[string]any)
			name := fmt.Sprint(s["kind"], " ", s["name"])
			if ns, ok := s["namespace"].(string); ok && ns != "" {
				name = fmt.Sprint(s["kind"], " ", ns, "/", s["name"])
			}
			out[name] = true
		}
		return out
	}
	before := subjects(c.Before)
	var added []string
	for s := range subjects(c.After) {
		if !before[s] {
			added = append(added, s)
		}
	}
	if len(added) == 0 {
		return nil
	}
	slices.Sort(added)
	role, _ := mapAt(c.After, "roleRef")["name"].(string)
	return []string{fmt.Sprintf("gives %s to %s", role, few(added))}
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
		if c.Deleted && c.After == nil {
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
