package preview

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// sections tells each change once: objects that change alike in several
// applications are taken together, and so are those that the same applications
// share. The change that most applications share comes first. homes are the
// applications' own namespaces, which may differ.
func sections(apps []App, homes map[string]string) []Section {
	type shared struct {
		object  Object
		targets []Target
	}
	byChange := map[string]*shared{}
	var order []string
	for _, app := range apps {
		for _, o := range app.Objects {
			id := changeID(o, homes[app.Namespace+"/"+app.Name])
			s := byChange[id]
			if s == nil {
				s = &shared{object: o}
				byChange[id] = s
				order = append(order, id)
			}
			s.targets = append(s.targets, Target{app.Name, app.Cluster})
		}
	}
	index := map[string]int{}
	out := []Section{}
	for _, id := range order {
		s := byChange[id]
		where := fmt.Sprintf("%q", s.targets)
		i, ok := index[where]
		if !ok {
			i = len(out)
			index[where] = i
			out = append(out, Section{Targets: s.targets})
		}
		out[i].Objects = append(out[i].Objects, s.object)
		out[i].Change = digest(out[i].Change, id)
	}
	slices.SortStableFunc(out, func(a, b Section) int {
		return cmp.Or(cmp.Compare(len(b.Targets), len(a.Targets)), cmp.Compare(a.Targets[0].Application, b.Targets[0].Application))
	})
	return out
}

// changeID stands for what happens to an object, wherever that is.
func changeID(o Object, home string) string {
	if o.Namespace == home && home != "" {
		o.Namespace = "."
	}
	if m, ok := o.Manifest["metadata"].(map[string]any); ok && m["namespace"] == home && home != "" {
		manifest, metadata := map[string]any{}, map[string]any{}
		for k, v := range o.Manifest {
			manifest[k] = v
		}
		for k, v := range m {
			if k != "namespace" {
				metadata[k] = v
			}
		}
		manifest["metadata"], o.Manifest = metadata, manifest
	}
	o.Origin = ""
	text, err := json.Marshal(o)
	if err != nil {
		text = fmt.Append(nil, o)
	}
	return digest(string(text))
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
