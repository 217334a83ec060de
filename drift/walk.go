package drift

import (
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// comparison is the walk over one object.
type comparison struct {
	*settings
	key            object.Key
	native, secret bool
	rules          []known.Rule
	claims         []ownership.Claim
	root           *schema.Type
	desired, live  map[string]any
	fields         []Field
	judged         known.Case
	here           *place // of what is judged
	// asked are the rules of users; managers are, for these, all owners of each
	// field's live value.
	asked    *ignore.Set
	managers [][]string
}

// maps compares the members of two objects.
func (c *comparison) maps(p *place, desired, live map[string]any) {
	for name, value := range desired {
		c.values(p.field(name, live), value, live[name])
	}
	for name, value := range live {
		if _, both := desired[name]; !both {
			c.liveOnly(p.field(name, live), value)
		}
	}
}

// values compares what stands at one place. Null, an empty map and an empty
// list are the same as nothing, but where they say something.
func (c *comparison) values(p *place, desired, live any) {
	if c.ignored(p, desired) {
		return
	}
	if known.Empty(desired) {
		if live == nil && c.says(p, desired) && !c.isDefault(p, desired) {
			c.declared(p, desired, nil)
			return
		}
		if l, ok := live.(map[string]any); ok && desired != nil {
			c.maps(p, nil, l) // declared, if only as empty
			return
		}
		p.spelled = desired != nil
		p.null = desired == nil && p.step.Field != "" && !p.extra
		c.liveOnly(p, live)
		return
	}
	if known.Empty(live) {
		c.removed(p, desired, live)
		return
	}
	switch d := desired.(type) {
	case map[string]any:
		if l, ok := live.(map[string]any); ok {
			c.maps(p, d, l)
			return
		}
	case []any:
		if l, ok := live.([]any); ok {
			c.lists(p, d, l)
			return
		}
	default:
		if c.equal(p, desired, live) {
			return
		}
	}
	c.declared(p, desired, live)
}

// removed handles what Git declares and live does not have. Objects are told
// as a whole, maps by key, lists by item where items have names.
func (c *comparison) removed(p *place, desired, live any) {
	if c.vacuous(p, desired) {
		return
	}
	if known.Empty(desired) {
		c.declared(p, desired, nil)
		return
	}
	switch d := desired.(type) {
	case map[string]any:
		_, there := live.(map[string]any)
		if there || isStringMap(p, d) || p.typ.IsMap() || p.at("metadata") {
			for name, value := range d {
				if child := p.field(name, nil); !c.ignored(child, value) {
					c.removed(child, value, nil)
				}
			}
			return
		}
	case []any:
		if items, ok := c.keyed(p, d); ok {
			for _, item := range items {
				c.declared(item.place, item.value, nil)
			}
			return
		}
	}
	c.declared(p, desired, nil)
}

// vacuous reports a declared value that the server does not store: nothing,
// or, in native kinds, a zero value or the default.
func (c *comparison) vacuous(p *place, desired any) bool {
	switch d := desired.(type) {
	case map[string]any:
		if !c.native && len(d) > 0 || c.says(p, desired) && !c.isDefault(p, desired) {
			return false
		}
		for name, value := range d {
			if p.typ.IsMap() || isStringMap(p, d) || !c.vacuous(p.field(name, nil), value) {
				return false
			}
		}
		return true
	case []any:
		return len(d) == 0 && !c.says(p, desired)
	case nil:
		return true
	}
	if !c.native || p.isItem() || p.up != nil && (p.up.typ.IsMap() || isStringMap(p.up, nil)) {
		return false
	}
	return zero(desired) && !schema.Pointer(p.name()) || c.isDefault(p, desired)
}

func zero(v any) bool {
	if n, ok := schema.ParseNumber(v); ok {
		return n == 0
	}
	return v == "" || v == false
}

// declared records a difference of a field that Git declares.
func (c *comparison) declared(p *place, desired, live any) {
	if name := c.rule(p, desired, live); name != "" {
		c.record(p, Field{Desired: desired, Live: live, Class: Expected, Rule: name}, c.blame(p, live))
		return
	}
	c.record(p, Field{Desired: desired, Live: live, Class: Declared}, c.blame(p, live))
}

func (c *comparison) record(p *place, f Field, by *ownership.Claim) {
	f.Path, f.Atomic, f.Held = p.path().String(), p.whole != nil, c.held(p)
	if c.secret && (p.below("data") || p.below("stringData")) {
		f.Desired, f.Live = c.mask.Pair(f.Desired, f.Live)
	}
	if by != nil {
		f.Manager, f.Operation, f.Subresource, f.Time = by.Manager, by.Operation, by.Subresource, by.Time
	}
	c.fields = append(c.fields, f)
	c.managers = append(c.managers, c.managersOf(p, f))
}
