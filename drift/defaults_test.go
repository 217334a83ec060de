package drift

import (
	"fmt"
	"slices"
	"testing"

	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// eachPlace visits every field of a kind; types inside themselves once.
func eachPlace(p *place, inside []*schema.Type, visit func(*place)) {
	if p.typ == nil || slices.Contains(inside, p.typ) {
		return
	}
	inside = append(slices.Clone(inside), p.typ)
	for name := range p.typ.Fields {
		child := p.field(name, nil)
		visit(child)
		eachPlace(child, inside, visit)
	}
	if item := p.typ.Item(); item != nil {
		eachPlace(p.item(item, object.Step{Index: new(0)}, false), inside, visit)
	}
}

// fits reports whether a field of the type can have the value.
func fits(t *schema.Type, value any) bool {
	switch value.(type) {
	case string:
		return slices.Contains([]schema.Scalar{schema.String, schema.IntOrString, schema.Quantity}, t.Scalar)
	case bool:
		return t.Scalar == schema.Boolean
	case int64:
		return slices.Contains([]schema.Scalar{schema.Integer, schema.IntOrString, schema.Quantity}, t.Scalar)
	case []any:
		return t.Item() != nil
	}
	return t.Fields != nil
}

// TestServerDefaultsHaveAPlace: each default belongs to a field that some kind
// has, and is of its type.
func TestServerDefaultsHaveAPlace(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	missing := map[string]bool{}
	name := func(field string, d schema.Default) string { return fmt.Sprint(d.Kinds, d.Above, field, " ", d.Value) }
	defaults := schema.ServerDefaults()
	for field, all := range defaults {
		for _, d := range all {
			missing[name(field, d)] = true
		}
	}
	for _, gvk := range set.Kinds() {
		c := &comparison{settings: newSettings(Input{Schemas: set}), key: object.Key{Group: gvk.Group, Kind: gvk.Kind}, native: true}
		eachPlace(&place{typ: set.Kind(gvk)}, nil, func(p *place) {
			for _, d := range defaults[p.name()] {
				if !c.knownDefault(p, d.Value) || !d.For(gvk.Kind) {
					continue
				}
				delete(missing, name(p.name(), d))
				if !fits(p.typ, d.Value) {
					t.Errorf("%s %s cannot be %v", gvk.Kind, p.path(), d.Value)
				}
			}
		})
	}
	for what := range missing {
		t.Errorf("no kind has a place for %s", what)
	}
}
