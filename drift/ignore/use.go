package ignore

import (
	"iter"
	"maps"
	"slices"
)

// Use is what one rule did to all objects of a comparison.
type Use struct {
	Rule    string `json:"rule"`
	Objects int    `json:"objects"` // that it selects
	Places  int    `json:"places"`  // that it names in them
	Fields  int    `json:"fields"`  // differences that it explains
	// Message says what is odd about the rule.
	Message string `json:"message,omitempty"`
}

// Sum adds up hits, each with the object that it is about, by the name of the
// rule. Rules of names that hit nothing are there as well.
func Sum(names []string, hits iter.Seq2[string, Hit]) []Use {
	all := map[string]*Use{}
	for _, name := range names {
		all[name] = &Use{Rule: name}
	}
	for about, hit := range hits {
		if hit.Malformed {
			continue
		}
		u := all[hit.Rule]
		if u == nil {
			u = &Use{Rule: hit.Rule}
			all[hit.Rule] = u
		}
		u.Objects, u.Places, u.Fields = u.Objects+1, u.Places+hit.Places, u.Fields+hit.Fields
		switch {
		case u.Message != "":
		case hit.Whole:
			u.Message = about + ": nothing is left to compare"
		case hit.Message != "":
			u.Message = about + ": " + hit.Message
		}
	}
	out := make([]Use, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		u := *all[name]
		switch {
		case u.Objects == 0:
			u.Message = "selects no object"
		case u.Places == 0 && u.Message == "":
			u.Message = "names nothing in the objects that it selects"
		}
		out = append(out, u)
	}
	return out
}
