package ownership

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Claim is one managedFields entry: who says to own which fields.
type Claim struct {
	Manager, Operation, Subresource string
	Time                            *time.Time
	fields                          map[string]any // FieldsV1, as it is
}

// Of reads managedFields. What is malformed owns nothing.
func Of(live map[string]any) []Claim {
	metadata, _ := live["metadata"].(map[string]any)
	entries, _ := metadata["managedFields"].([]any)
	out := make([]Claim, 0, len(entries))
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		fields, _ := entry["fieldsV1"].(map[string]any)
		if fields == nil {
			continue
		}
		c := Claim{fields: fields}
		c.Manager, _ = entry["manager"].(string)
		c.Operation, _ = entry["operation"].(string)
		c.Subresource, _ = entry["subresource"].(string)
		if text, ok := entry["time"].(string); ok {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				c.Time = &t
			}
		}
		out = append(out, c)
	}
	return out
}

// Reaches reports whether the claim names the field or something below it,
// and whether it names the field itself.
func (c *Claim) Reaches(elements []string) (reaches, itself bool) {
	node, there := c.at(elements)
	_, dot := node["."]
	return there, there && (dot || len(node) == 0)
}

// Latest is the claim that was made last. One without a time gives way.
func Latest(owners []*Claim) *Claim {
	var last *Claim
	for _, by := range owners {
		if last == nil || last.Time == nil || by.Time != nil && !by.Time.Before(*last.Time) {
			last = by
		}
	}
	return last
}

// List is what claims tell of how the server takes a list.
type List int

// The kinds of lists. A list that nobody claims is of an unknown kind.
const (
	Unknown List = iota
	Atomic       // somebody owns it as a whole
	Set          // its items are owned by value
	Keyed        // its items are owned by key
)

// ListAt tells how the server takes the list at a place, and the names of the
// keys of a keyed one.
func ListAt(claims []Claim, elements []string) (List, []string) {
	found := Unknown
	for i := range claims {
		node, there := claims[i].at(elements)
		if !there {
			continue
		}
		if len(node) == 0 && found == Unknown {
			found = Atomic
		}
		for name := range node {
			switch text, keyed := strings.CutPrefix(name, "k:"); {
			case keyed:
				var keys map[string]any
				if err := json.Unmarshal([]byte(text), &keys); err == nil && len(keys) > 0 {
					return Keyed, slices.Sorted(maps.Keys(keys))
				}
			case strings.HasPrefix(name, "v:"):
				found = Set
			}
		}
	}
	return found, nil
}

func (c *Claim) at(elements []string) (map[string]any, bool) {
	node := c.fields
	for _, e := range elements {
		next, ok := node[e]
		if !ok {
			return nil, false
		}
		node, _ = next.(map[string]any)
	}
	return node, true
}
