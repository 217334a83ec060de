package ignore

import (
	"maps"
	"slices"
)

// spot is a place in an object as it is: keys of maps are strings, places in
// lists are ints.
type spot []any

func (s spot) child(step any) spot { return append(s[:len(s):len(s)], step) }

// covers reports whether other is the spot or lies inside it.
func (s spot) covers(other spot) bool {
	return len(s) <= len(other) && slices.Equal(s, other[:len(s)])
}

// at returns what stands at a spot.
func at(root any, s spot) (any, bool) {
	for _, step := range s {
		switch v := root.(type) {
		case map[string]any:
			key, _ := step.(string)
			child, ok := v[key]
			if _, named := step.(string); !ok || !named {
				return nil, false
			}
			root = child
		case []any:
			i, ok := step.(int)
			if !ok || i < 0 || i >= len(v) {
				return nil, false
			}
			root = v[i]
		default:
			return nil, false
		}
	}
	return root, true
}

// cut is a tree of spots to take out.
type cut struct {
	whole bool
	below map[any]*cut
}

func (c *cut) add(s spot) {
	for _, step := range s {
		if c.below == nil {
			c.below = map[any]*cut{}
		}
		next := c.below[step]
		if next == nil {
			next = &cut{}
			c.below[step] = next
		}
		c = next
	}
	c.whole = true
}

// without copies as much of v as differs; v is not changed. All spots are
// those of v as it was.
func (c *cut) without(v any) any {
	if c == nil || len(c.below) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for step, below := range c.below {
			name, _ := step.(string)
			child, ok := out[name]
			switch {
			case !ok:
			case below.whole:
				delete(out, name)
			default:
				out[name] = below.without(child)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, item := range v {
			below := c.below[i]
			if below != nil && below.whole {
				continue
			}
			out = append(out, below.without(item))
		}
		return out
	}
	return v
}
