package drift

import (
	"strings"
	"time"
)

// claim is one managedFields entry: who says to own which fields.
type claim struct {
	manager, operation, subresource string
	time                            *time.Time
	fields                          map[string]any // FieldsV1, as it is
}

// claimsOf reads managedFields. What is malformed owns nothing.
func claimsOf(live map[string]any) []claim {
	metadata, _ := live["metadata"].(map[string]any)
	entries, _ := metadata["managedFields"].([]any)
	out := make([]claim, 0, len(entries))
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		fields, _ := entry["fieldsV1"].(map[string]any)
		if fields == nil {
			continue
		}
		c := claim{fields: fields}
		c.manager, _ = entry["manager"].(string)
		c.operation, _ = entry["operation"].(string)
		c.subresource, _ = entry["subresource"].(string)
		if text, ok := entry["time"].(string); ok {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				c.time = &t
			}
		}
		out = append(out, c)
	}
	return out
}

// reaches reports whether the claim names the field or something below it,
// and whether it names the field itself.
func (c *claim) reaches(elements []string) (reaches, itself bool) {
	node := c.fields
	for _, e := range elements {
		next, ok := node[e]
		if !ok {
			return false, false
		}
		node, _ = next.(map[string]any)
	}
	_, dot := node["."]
	return true, dot || len(node) == 0
}

// owners returns the claims that name the place or something below it.
func (c *comparison) owners(p *place) []*claim {
	if len(c.claims) == 0 {
		return nil
	}
	paths := [][]string{p.elements()}
	// The server stores stringData as data, but owns it as what was sent.
	if c.secret && len(paths[0]) > 1 && paths[0][0] == "f:data" {
		paths = append(paths, append([]string{"f:stringData"}, paths[0][1:]...))
	}
	var out []*claim
	for i := range c.claims {
		for _, path := range paths {
			if ok, _ := c.claims[i].reaches(path); ok {
				out = append(out, &c.claims[i])
				break
			}
		}
	}
	return out
}

// ownsAll reports whether a claim names the place itself, not only parts.
func (c *comparison) ownsAll(p *place) bool {
	path := p.elements()
	for i := range c.claims {
		if ok, itself := c.claims[i].reaches(path); ok && itself {
			return true
		}
	}
	return false
}

// holders are the most specific owners of a place: its own, or those of the
// value around it that only has an owner as a whole.
func (c *comparison) holders(p *place) (owners []*claim, around bool) {
	if owners = c.owners(p); len(owners) > 0 || p.whole == nil {
		return owners, false
	}
	return c.owners(p.whole), true
}

func (c *comparison) isOurs(by *claim) bool {
	return by.manager == c.manager && by.operation == "Apply"
}

func (c *comparison) ours(owners []*claim) *claim {
	for _, by := range owners {
		if c.isOurs(by) {
			return by
		}
	}
	return nil
}

// blame names who wrote the live value. Whoever changes a value takes it from
// its other owners; so where we are among the owners, the value is still what
// we applied. Nobody is an honest answer.
func (c *comparison) blame(p *place) *claim {
	owners, _ := c.holders(p)
	if by := c.ours(owners); by != nil {
		return by
	}
	return latest(owners)
}

func latest(owners []*claim) *claim {
	var last *claim
	for _, by := range owners {
		if last == nil || last.time == nil || by.time != nil && !by.time.Before(*last.time) {
			last = by
		}
	}
	return last
}

// isController reports a manager whose additions are part of how Kubernetes
// works.
func (s *settings) isController(manager string) bool {
	for _, name := range s.controllers {
		if prefix, any := strings.CutSuffix(name, "*"); manager == name || any && strings.HasPrefix(manager, prefix) {
			return true
		}
	}
	return false
}
