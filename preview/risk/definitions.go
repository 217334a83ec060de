package risk

import (
	"fmt"
	"maps"
	"slices"
)

// definitions are the rules about CustomResourceDefinitions that stay.
func definitions() []Rule {
	kinds := []string{"apiextensions.k8s.io/CustomResourceDefinition"}
	return []Rule{
		{
			Name: "definition-version", Severity: Critical, About: "A CustomResourceDefinition no longer serves a version that it served.",
			Kinds: kinds, Find: unservedVersions,
		},
		{
			Name: "definition-stored", Severity: Warning, About: "A CustomResourceDefinition stores another version: objects keep the old one until somebody writes them, and it cannot go before.",
			Kinds: kinds, Find: storedVersion,
		},
		{
			Name: "definition-schema", Severity: Critical, About: "A field goes from the schema of a CustomResourceDefinition, and its values with it, or gets another type, which objects do not have.",
			Kinds: kinds, Find: narrowedSchemas,
		},
	}
}

// versions are those of a CustomResourceDefinition, by name.
func versions(manifest map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, item := range listAt(manifest, "spec", "versions") {
		if v, ok := item.(map[string]any); ok {
			out[fmt.Sprint(v["name"])] = v
		}
	}
	return out
}

func unservedVersions(c Change) []string {
	if c.Before == nil || c.After == nil {
		return nil
	}
	after := versions(c.After)
	var out []string
	for name, was := range versions(c.Before) {
		if now := after[name]; was["served"] != false && (now == nil || now["served"] == false) {
			out = append(out, "no longer serves "+name)
		}
	}
	slices.Sort(out)
	return out
}

func storedVersion(c Change) []string {
	stored := func(manifest map[string]any) string {
		for name, v := range versions(manifest) {
			if v["storage"] == true {
				return name
			}
		}
		return ""
	}
	if was, now := stored(c.Before), stored(c.After); was != "" && now != "" && was != now {
		return []string{"stores " + now + " in place of " + was}
	}
	return nil
}

func narrowedSchemas(c Change) []string {
	before, after := versions(c.Before), versions(c.After)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, ok := after[name]
		was := mapAt(before[name], "schema", "openAPIV3Schema")
		if !ok || was == nil {
			continue
		}
		var s schemas
		s.compare("", was, mapAt(now, "schema", "openAPIV3Schema"))
		for _, part := range []struct {
			what  string
			paths []string
		}{{"has no field any more: ", s.gone}, {"has another type: ", s.retyped}, {"drops what is not listed: ", s.closed}} {
			if len(part.paths) > 0 {
				slices.Sort(part.paths)
				out = append(out, name+" "+part.what+few(part.paths))
			}
		}
	}
	return out
}

// schemas collects how a schema is narrower than one before: by fields that
// are gone, that have another type, or in which fields that are not listed are
// dropped.
type schemas struct{ gone, retyped, closed []string }

func (s *schemas) compare(at string, was, now map[string]any) {
	// What a resource has at its top is the same in all.
	if at == ".apiVersion" || at == ".kind" || at == ".metadata" {
		return
	}
	if from, to := typeOf(was), typeOf(now); !takes(to, from) {
		s.retyped = append(s.retyped, fmt.Sprintf("%s %s -> %s", path(at), from, to))
		return
	}
	if open(now) {
		s.below(at, was, now)
		return
	}
	if open(was) {
		s.closed = append(s.closed, path(at))
	}
	fields := mapAt(now, "properties")
	for field := range mapAt(was, "properties") {
		if _, ok := fields[field].(map[string]any); !ok {
			s.gone = append(s.gone, path(at+"."+field))
		}
	}
	s.below(at, was, now)
}

// below compares what both have.
func (s *schemas) below(at string, was, now map[string]any) {
	fields := mapAt(now, "properties")
	for field, value := range mapAt(was, "properties") {
		before, _ := value.(map[string]any)
		if after, ok := fields[field].(map[string]any); ok && before != nil {
			s.compare(at+"."+field, before, after)
		}
	}
	for field, mark := range map[string]string{"items": "[]", "additionalProperties": ".*"} {
		before, after := mapAt(was, field), mapAt(now, field)
		if before != nil && after != nil {
			s.compare(at+mark, before, after)
		}
	}
}

// open reports a schema that keeps fields which it does not list.
func open(schema map[string]any) bool {
	return schema["x-kubernetes-preserve-unknown-fields"] == true ||
		schema["additionalProperties"] != nil && schema["additionalProperties"] != false
}

const anything, intOrString = "anything", "int or string"

func typeOf(schema map[string]any) string {
	if schema["x-kubernetes-int-or-string"] == true {
		return intOrString
	}
	if t, ok := schema["type"].(string); ok && t != "" {
		return t
	}
	return anything
}

// takes reports a type that every value of another one has.
func takes(to, from string) bool {
	switch to {
	case from, anything:
		return true
	case intOrString:
		return from == "integer" || from == "string"
	case "number":
		return from == "integer"
	}
	return false
}

func path(at string) string {
	if at == "" {
		return "the whole"
	}
	return at[1:]
}
