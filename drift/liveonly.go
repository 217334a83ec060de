package drift

import (
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/ownership"
)

// liveOnly handles what live has and Git does not declare.
func (c *comparison) liveOnly(p *place, live any) {
	p.extra = true
	if c.ignored(p, nil) || known.Empty(live) && !c.emptyCounts(p, live) {
		return
	}
	if name := c.rule(p, nil, live); name != "" {
		c.record(p, Field{Live: live, Class: Expected, Rule: name}, c.blame(p, live))
		return
	}
	switch v := live.(type) {
	case map[string]any:
		if len(v) == 0 || c.told(p, v) {
			break
		}
		for name, value := range v {
			c.liveOnly(p.field(name, v), value)
		}
		return
	case []any:
		if items, ok := c.keyed(p, v); ok {
			for _, item := range items {
				c.liveOnly(item.place, item.value)
			}
			return
		}
	}
	c.added(p, live)
}

// emptyCounts reports an empty value that is told. In custom resources typed
// clients leave many behind that mean nothing: there only ours are.
func (c *comparison) emptyCounts(p *place, live any) bool {
	return c.says(p, live) && (c.native || c.manifests || c.ours(c.owners(p)) != nil)
}

// told reports an object that is told as a whole: somebody owns it as a whole,
// or it is an item of a list. Maps are told key by key.
func (c *comparison) told(p *place, v map[string]any) bool {
	if p.null || p.depth() < 2 || p.at("metadata") || p.typ.IsMap() || isStringMap(p, v) {
		return false
	}
	return p.isItem() || p.whole != nil || c.ours(c.owners(p)) != nil || c.ownsAll(p)
}

// dropped records a value that an earlier manifest had, unless it stays as a
// default.
func (c *comparison) dropped(p *place, live any) {
	if !c.isDefault(p, live) {
		c.record(p, Field{Live: live, Class: Removed}, nil)
	}
}

// added classifies one value that only live has.
func (c *comparison) added(p *place, live any) {
	if c.manifests {
		c.dropped(p, live)
		return
	}
	owners, around := c.holders(p)
	ours := c.ours(owners)
	// Applying replaces what has one owner as a whole.
	part := around && !p.whole.extra
	declared := part && p.whole.typ.Known()
	switch {
	case ours != nil && !p.spelled && !part && (!p.null || !c.isDefault(p, live)):
		c.record(p, Field{Live: live, Class: Removed}, ours) // Git dropped what it once declared
	case c.isDefault(p, live):
	case p.spelled && c.emptied(p, live, owners):
	case ours != nil && declared:
		c.record(p, Field{Live: live, Class: Declared}, ours) // Git dropped a part of it
	case ours == nil:
		c.foreign(p, live, owners, declared)
	}
}

// emptied compares a list without keys with the empty one in Git. It leaves to
// others what is no list, and what only known controllers fill.
func (c *comparison) emptied(p *place, live any, owners []*ownership.Claim) bool {
	list, ok := live.([]any)
	strangers, controllers := c.split(owners)
	if !ok || c.ours(owners) == nil && len(strangers) == 0 && len(controllers) > 0 {
		return false
	}
	c.lists(p, nil, list)
	return true
}

// foreign classifies what others have put into live, or nobody that is known.
func (c *comparison) foreign(p *place, live any, owners []*ownership.Claim, declared bool) {
	strangers, controllers := c.split(owners)
	switch {
	case len(strangers) > 0:
		f := Field{Live: live, Class: Undeclared}
		if declared {
			f.Class = Declared
		}
		if len(controllers) > 0 {
			f.Shared = controllers[0].Manager
		}
		c.record(p, f, ownership.Latest(strangers))
	case len(controllers) > 0:
		c.record(p, Field{Live: live, Class: Expected, Rule: known.Controller}, ownership.Latest(controllers))
	case len(owners) > 0:
	case declared && (c.native || isStringMap(p.up, p.siblings)):
		c.record(p, Field{Live: live, Class: Declared}, nil)
	case isStringMap(p.up, p.siblings):
		// The server adds keys to hardly any map of strings: this is a hand,
		// though nobody knows whose.
		c.record(p, Field{Live: live, Class: Undeclared}, nil)
	}
}

// split leaves out entries under our own name: those are updates that went
// along with an apply.
func (c *comparison) split(owners []*ownership.Claim) (strangers, controllers []*ownership.Claim) {
	for _, by := range owners {
		switch {
		case by.Manager == c.manager:
		case ownership.Names(c.controllers, by.Manager):
			controllers = append(controllers, by)
		default:
			strangers = append(strangers, by)
		}
	}
	return strangers, controllers
}
