package ownership

import "time"

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
