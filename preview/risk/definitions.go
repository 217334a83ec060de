package risk

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
	"github.com/trueup-dev/trueup/preview/risk/narrow"
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
	for _, item := range decoded.List(manifest, "spec", "versions") {
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
		was := decoded.Map(before[name], "schema", "openAPIV3Schema")
		if !ok || was == nil {
			continue
		}
		found := narrow.Compare(was, decoded.Map(now, "schema", "openAPIV3Schema"))
		for _, part := range []struct {
			what  string
			paths []string
		}{{"has no field any more: ", found.Gone}, {"has another type: ", found.Retyped}, {"drops what is not listed: ", found.Closed}} {
			if len(part.paths) > 0 {
				out = append(out, name+" "+part.what+few(part.paths))
			}
		}
	}
	return out
}
