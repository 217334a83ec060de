package drift

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/object"
)

// Plain is a live value as people would write it at a path of an object: without
// what the server fills in by itself. It shares no memory with value.
func Plain(schemas Schemas, of *unstructured.Unstructured, path object.Path, value any) any {
	s := newSettings(Input{Schemas: schemas})
	c := &comparison{settings: s, key: object.KeyOf(of), native: s.schemas.Native(of.GroupVersionKind().GroupKind())}
	p := &place{typ: s.schemas.Kind(of.GroupVersionKind())}
	for _, step := range path {
		if step.Index == nil && len(step.Keys) == 0 {
			p = p.field(step.Field, nil)
			continue
		}
		p = p.item(p.typ.Item(), step, false)
	}
	return c.plain(p, value)
}

func (c *comparison) plain(p *place, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			child := p.field(name, v)
			says := c.native && c.says(child, v[name]) // such as emptyDir: {}
			if v[name] == nil || c.isDefault(child, v[name]) && !isKey(p, name) && !says {
				continue
			}
			out[name] = c.plain(child, v[name])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = c.plain(p.item(p.typ.Item(), object.Step{Index: &i}, false), v[i])
		}
		return out
	}
	return value
}

// isKey reports a field that names an item of a list.
func isKey(p *place, name string) bool {
	return slices.ContainsFunc(p.step.Keys, func(kv object.KeyValue) bool { return kv.Name == name })
}
