package risk

import (
	"fmt"
	"slices"
	"strings"
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
	for _, item := range listAt(manifest, "rules") {
		rule, _ := item.(map[string]any)
		names := texts(rule["resourceNames"])
		if len(names) == 0 {
			names = []string{""}
		}
		groups := texts(rule["apiGroups"])
		if len(groups) == 0 {
			groups = []string{""}
		}
		for _, verb := range texts(rule["verbs"]) {
			for _, url := range texts(rule["nonResourceURLs"]) {
				out[permission{verb: verb, url: url}] = true
			}
			for _, group := range groups {
				for _, resource := range texts(rule["resources"]) {
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
	var added []string
	for p := range after {
		if covered(p, before) {
			continue
		}
		// What a new role allows is the change itself; only what is boundless is
		// worth a warning.
		if c.Before == nil && !p.boundless() {
			continue
		}
		added = append(added, p.String())
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

// newSubjects tells who gets the role of a binding: all who are in one with
// another role than before. Admin asks about the role that allows everything,
// or about all others.
func newSubjects(c Change, admin bool) []string {
	role := func(manifest map[string]any) (kind, name string) {
		ref := mapAt(manifest, "roleRef")
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
	return []string{fmt.Sprintf("gives %s to %s", name, few(added))}
}

// subjects are who is in a binding.
func subjects(binding map[string]any) map[string]bool {
	out := map[string]bool{}
	for _, item := range listAt(binding, "subjects") {
		s, _ := item.(map[string]any)
		name := fmt.Sprint(s["kind"], " ", s["name"])
		if ns, ok := s["namespace"].(string); ok && ns != "" {
			name = fmt.Sprint(s["kind"], " ", ns, "/", s["name"])
		}
		out[name] = true
	}
	return out
}
