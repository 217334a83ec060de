package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

func morePrivileged(c Change) []string {
	names := map[string]string{}
	for name, p := range pairs(c) {
		if p.old != "" {
			names[p.old] = name
		}
	}
	return added(privileges(c.Before, names), privileges(c.After, nil))
}

// privileges lists what the pods of a workload have of their node; called are
// other names for containers.
func privileges(manifest map[string]any, called map[string]string) map[string]bool {
	out := map[string]bool{}
	spec := podSpec(manifest)
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if spec[field] == true {
			out["uses the node's "+field] = true
		}
	}
	for _, v := range decoded.List(spec, "volumes") {
		volume, _ := v.(map[string]any)
		if path, ok := decoded.Map(volume, "hostPath")["path"]; ok {
			out[fmt.Sprintf("mounts %v of the node", path)] = true
		}
	}
	for name, container := range containers(manifest) {
		context := decoded.Map(container, "securityContext")
		if other := called[name]; other != "" {
			name = other
		}
		if context["privileged"] == true {
			out["runs "+name+" privileged"] = true
		}
		if context["allowPrivilegeEscalation"] == true {
			out["lets "+name+" gain privileges"] = true
		}
		if isRoot(spec, container) {
			out["runs "+name+" as root"] = true
		}
		for _, capability := range decoded.Texts(decoded.Map(context, "capabilities")["add"]) {
			out["gives "+name+" the capability "+capability] = true
		}
	}
	return out
}

// context is a value of a container's security context, or else of its pod's.
func context(pod, container map[string]any, field string) any {
	if v := decoded.Map(container, "securityContext")[field]; v != nil {
		return v
	}
	return decoded.Map(pod, "securityContext")[field]
}

func isRoot(pod, container map[string]any) bool {
	n, ok := decoded.Number(context(pod, container, "runAsUser"))
	return ok && n == 0
}

// isNotRoot reports a container of which it is certain, whatever user its
// image has.
func isNotRoot(pod, container map[string]any) bool {
	n, ok := decoded.Number(context(pod, container, "runAsUser"))
	return ok && n != 0 || !ok && context(pod, container, "runAsNonRoot") == true
}

// removedGuards finds what a container had, and has no more. What it got in
// its place is found as a privilege.
func removedGuards(c Change) []string {
	podBefore, podAfter := podSpec(c.Before), podSpec(c.After)
	escalation := func(container map[string]any) any {
		return decoded.Map(container, "securityContext")["allowPrivilegeEscalation"]
	}
	var out []string
	for name, p := range pairs(c) {
		if isNotRoot(podBefore, p.was) && !isNotRoot(podAfter, p.now) && !isRoot(podAfter, p.now) {
			out = append(out, "no longer keeps "+name+" from running as root")
		}
		if dropsAll(p.was) && !dropsAll(p.now) {
			out = append(out, "no longer drops all capabilities of "+name)
		}
		if escalation(p.was) == false && escalation(p.now) == nil {
			out = append(out, "no longer keeps "+name+" from gaining privileges")
		}
	}
	slices.Sort(out)
	return out
}

func dropsAll(container map[string]any) bool {
	return slices.ContainsFunc(decoded.Texts(decoded.Map(container, "securityContext", "capabilities")["drop"]), func(capability string) bool {
		return strings.EqualFold(capability, "ALL")
	})
}
