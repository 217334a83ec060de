package ignore

import "maps"

// spot is a place in an object as it is: keys of maps are strings, places in
// lists are ints.
type spot []any

func (s spot) child(step any) spot { return append(s[:len(s):len(s)], step) }

// at returns what stands at a spot; nil where nothing does.
func at(root any, s spot) any {
	for _, step := range s {
		switch v := root.(type) {
		case map[string]any:
			key, _ := step.(string)
			child, ok := v[key]
			if _, named := step.(string); !ok || !named {
				return nil
			}
			root = child
		case []any:
			i, ok := step.(int)
			if !ok || i < 0 || i >= len(v) {
				return nil
			}
			root = v[i]
		default:
			return nil
		}
	}
	return root
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

// touching lists what to take out so that the tree covers what it can of a
// spot: the spot itself where it lies inside of what is taken out, and else
// the parts of it that are.
func (c *cut) touching(s spot) []spot {
	for _, step := range s {
		if c.whole {
			return []spot{s}
		}
		if c = c.below[step]; c == nil {
			return nil
		}
	}
	return c.parts(s)
}

// parts lists what is taken out at a spot and below it.
func (c *cut) parts(at spot) []spot {
	if c.whole {
		return []spot{at}
	}
	var out []spot
	for step, below := range c.below {
		out = append(out, below.parts(at.child(step))...)
	}
	return out
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
