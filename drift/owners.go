package drift

import (
	"github.com/trueup-dev/trueup/drift/ownership"
)

// owners returns the claims that name the place or something below it.
func (c *comparison) owners(p *place) []*ownership.Claim {
	if len(c.claims) == 0 {
		return nil
	}
	path := p.elements()
	out := c.reaching(path)
	// The server stores stringData as data, but its owner keeps what was sent;
	// even after somebody else has changed the data.
	if len(out) == 0 && c.secret && len(path) > 1 && path[0] == "f:data" {
		return c.reaching(append([]string{"f:stringData"}, path[1:]...))
	}
	return out
}

func (c *comparison) reaching(path []string) []*ownership.Claim {
	var out []*ownership.Claim
	for i := range c.claims {
		if ok, _ := c.claims[i].Reaches(path); ok {
			out = append(out, &c.claims[i])
		}
	}
	return out
}

// ownsAll reports whether a claim names the place itself, not only parts.
func (c *comparison) ownsAll(p *place) bool {
	path := p.elements()
	for i := range c.claims {
		if ok, itself := c.claims[i].Reaches(path); ok && itself {
			return true
		}
	}
	return false
}

// holders are the most specific owners of a place: its own, or those of the
// value around it that only has an owner as a whole.
func (c *comparison) holders(p *place) (owners []*ownership.Claim, around bool) {
	if owners = c.owners(p); len(owners) > 0 || p.whole == nil {
		return owners, false
	}
	return c.owners(p.whole), true
}

// held reports whether our Apply entry owns the place, whatever is there.
func (c *comparison) held(p *place) bool {
	owners, _ := c.holders(p)
	return c.ours(owners) != nil
}

func (c *comparison) isOurs(by *ownership.Claim) bool {
	return by.Manager == c.manager && by.Operation == "Apply"
}

func (c *comparison) ours(owners []*ownership.Claim) *ownership.Claim {
	for _, by := range owners {
		if c.isOurs(by) {
			return by
		}
	}
	return nil
}

// blame names who wrote the live value. A value that is gone has no owner any
// more, unless it was part of one that is owned as a whole. Whoever changes a value takes it from
// its other owners; so where we are among the owners, the value is still what
// we applied. Nobody is an honest answer.
func (c *comparison) blame(p *place, live any) *ownership.Claim {
	owners, _ := c.holders(p)
	if live == nil {
		owners = nil
		if p.whole != nil {
			owners = c.owners(p.whole)
		}
	}
	if by := c.ours(owners); by != nil {
		return by
	}
	return ownership.Latest(owners)
}

// managersOf names all who own the live value of a difference.
func (c *comparison) managersOf(p *place, f Field) []string {
	if f.Live == nil || c.asked == nil {
		return nil
	}
	var out []string
	owners, _ := c.holders(p)
	for _, by := range owners {
		out = append(out, by.Manager)
	}
	return out
}
