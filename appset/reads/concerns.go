package reads

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// Concerns tells whether a set asks a forge about one of the repositories,
// each given as host/path without .git. The host is not compared: a forge's
// API and its pages may have different ones, and asking in vain costs little.
func Concerns(set *v1alpha1.ApplicationSet, repositories []string) bool {
	// Generators nest as raw JSON, so that all are looked at as that.
	data, err := json.Marshal(set.Spec.Generators)
	if err != nil {
		return false
	}
	var tree any
	if json.Unmarshal(data, &tree) != nil {
		return false
	}
	return anyConcerned(tree, repositories)
}

func anyConcerned(node any, repositories []string) bool {
	switch v := node.(type) {
	case []any:
		for _, inner := range v {
			if anyConcerned(inner, repositories) {
				return true
			}
		}
	case map[string]any:
		for key, inner := range v {
			switch gen, _ := inner.(map[string]any); key {
			case "pullRequest", "scmProvider":
				if concerned(gen, key == "scmProvider", repositories) {
					return true
				}
			case "list", "template": // hold anything
			default:
				if anyConcerned(inner, repositories) {
					return true
				}
			}
		}
	}
	return false
}

// concerned compares with what a generator names: a repository, or the owner
// of many. What a matrix fills in, or what is an id, may be any.
func concerned(gen map[string]any, owner bool, repositories []string) bool {
	for _, provider := range gen {
		fields, ok := provider.(map[string]any)
		if !ok {
			continue
		}
		var path []string
		for _, key := range []string{"organization", "owner", "group", "project", "teamProject", "repo"} {
			if text, _ := fields[key].(string); text != "" {
				path = append(path, text)
			}
		}
		name := strings.ToLower(strings.Join(path, "/"))
		if name == "" {
			continue // filters, values
		}
		unsure := strings.Contains(name, "{{") || strings.Trim(name, "0123456789") == ""
		for _, r := range repositories {
			at := "/" + plain(r)
			switch {
			case unsure, owner && strings.Contains(at, "/"+name+"/"), !owner && strings.HasSuffix(at, "/"+name):
				return true
			}
		}
	}
	return false
}

// plain is a place without what Azure DevOps puts between the parts of its
// URLs, and with spaces for %20.
func plain(place string) string {
	if decoded, err := url.PathUnescape(place); err == nil {
		place = decoded
	}
	return strings.ToLower(strings.Replace(strings.Replace(place, "/_git/", "/", 1), "/v3/", "/", 1))
}
