package risk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// permission is one verb on one thing: a resource, which may be a part of one
// such as pods/exec, or a path of the API server.
type permission struct{ verb, group, resource, name, url string }

func (p permission) String() string {
	if p.url != "" {
		return p.verb + " " + p.url
	}
	resource, part, _ := strings.Cut(p.resource, "/")
	if p.group != "" {
		resource += "." + p.group
	}
	if part != "" {
		resource += "/" + part
	}
	if p.name != "" {
		resource += fmt.Sprintf(" %q", p.name)
	}
	return p.verb + " " + resource
}

// boundless reports a permission on everything of a sort.
func (p permission) boundless() bool {
	return p.verb == "*" || p.group == "*" || strings.Contains(p.resource, "*") || strings.Contains(p.url, "*")
}

// permissions lists what the rules of a role allow, one by one.
func permissions(manifest map[string]any) map[permission]bool {
	out := map[permission]bool{}
	for _, item := range decoded.List(manifest, "rules") {
		rule, _ := item.(map[string]any)
		names := decoded.Texts(rule["resourceNames"])
		if len(names) == 0 {
			names = []string{""}
		}
		groups := decoded.Texts(rule["apiGroups"])
		if len(groups) == 0 {
			groups = []string{""}
		}
		for _, verb := range decoded.Texts(rule["verbs"]) {
			for _, url := range decoded.Texts(rule["nonResourceURLs"]) {
				out[permission{verb: verb, url: url}] = true
			}
			for _, group := range groups {
				for _, resource := range decoded.Texts(rule["resources"]) {
					for _, name := range names {
						out[permission{verb: verb, group: group, resource: resource, name: name}] = true
					}
				}
			}
		}
	}
	return out
}

// covered reports a permission that others include, by the API server's rules:
// a resource does not include its parts, * includes everything.
func covered(p permission, by map[permission]bool) bool {
	verbs := []string{p.verb, "*"}
	if p.url != "" {
		for _, verb := range verbs {
			if by[permission{verb: verb, url: p.url}] {
				return true
			}
			for i := range p.url {
				if by[permission{verb: verb, url: p.url[:i] + "*"}] {
					return true
				}
			}
		}
		return false
	}
	resources := []string{p.resource, "*"}
	if _, part, ok := strings.Cut(p.resource, "/"); ok {
		resources = append(resources, "*/"+part)
	}
	for _, verb := range verbs {
		for _, group := range []string{p.group, "*"} {
			for _, resource := range resources {
				for _, name := range []string{p.name, ""} {
					if by[permission{verb: verb, group: group, resource: resource, name: name}] {
						return true
					}
				}
			}
		}
	}
	return false
}

func widerRole(c Change) []string {
	if c.After == nil {
		return nil
	}
	before, after := permissions(c.Before), permissions(c.After)
	var more []string
	for p := range after {
		if covered(p, before) {
			continue
		}
		// What a new role allows is the change itself; only what is boundless is
		// worth a warning.
		if c.Before == nil && !p.boundless() {
			continue
		}
		more = append(more, p.String())
	}
	if len(more) == 0 {
		return nil
	}
	slices.Sort(more)
	return []string{"allows more: " + few(more)}
}

// newAggregations finds roles that a role becomes a part of, and such that
// become a part of it.
func newAggregations(c Change) []string {
	intoBefore, fromBefore := aggregations(c.Before)
	intoAfter, fromAfter := aggregations(c.After)
	var out []string
	if into := added(intoBefore, intoAfter); len(into) > 0 {
		out = append(out, "adds what it allows to "+few(into))
	}
	if from := added(fromBefore, fromAfter); len(from) > 0 && c.Before != nil {
		out = append(out, "takes in what roles allow by "+few(from))
	}
	return out
}

// aggregations are the names of roles that a role is part of, and the selectors
// of those that are part of it.
func aggregations(role map[string]any) (into, from map[string]bool) {
	into, from = map[string]bool{}, map[string]bool{}
	for _, selector := range decoded.List(role, "aggregationRule", "clusterRoleSelectors") {
		if text, err := json.Marshal(selector); err == nil {
			from[string(text)] = true
		}
	}
	if len(decoded.List(role, "rules"))+len(from) == 0 {
		return into, from // nothing to add
	}
	for label, value := range decoded.Map(role, "metadata", "labels") {
		if name, ok := strings.CutPrefix(label, "rbac.authorization.k8s.io/aggregate-to-"); ok && value == "true" {
			into[name] = true
		}
	}
	return into, from
}

// added lists what is in one set and was not in the other.
func added(before, after map[string]bool) []string {
	var out []string
	for what := range after {
		if !before[what] {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}

// few lists some of many.
func few(all []string) string {
	const most = 5
	if len(all) > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", len(all)-most)
	}
	return strings.Join(all, ", ")
}

// newSubjects tells who gets the role of a binding: all who are in one with
// another role than before. Admin asks about the role that allows everything,
// or about all others.
func newSubjects(c Change, admin bool) []string {
	role := func(manifest map[string]any) (kind, name string) {
		ref := decoded.Map(manifest, "roleRef")
		kind, _ = ref["kind"].(string)
		name, _ = ref["name"].(string)
		return kind, name
	}
	kind, name := role(c.After)
	if c.After == nil || admin != (kind == "ClusterRole" && name == "cluster-admin") {
		return nil
	}
	before := map[string]bool{}
	if kindBefore, nameBefore := role(c.Before); kindBefore == kind && nameBefore == name {
		before = subjects(c.Before)
	}
	who := added(before, subjects(c.After))
	if len(who) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("gives %s to %s", name, few(who))}
}

// subjects are who is in a binding.
func subjects(binding map[string]any) map[string]bool {
	out := map[string]bool{}
	for _, item := range decoded.List(binding, "subjects") {
		s, _ := item.(map[string]any)
		name := fmt.Sprint(s["kind"], " ", s["name"])
		if ns, ok := s["namespace"].(string); ok && ns != "" {
			name = fmt.Sprint(s["kind"], " ", ns, "/", s["name"])
		}
		out[name] = true
	}
	return out
}
