package content

import (
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Element makes an element of a list flat: texts, and a map of texts under
// values. What is none is told, in kind Invalid, with its place in the element.
func Element(element map[string]any) (map[string]any, error) {
	out := params{}
	var all place.Problems
	texts := func(at, prefix string, from params) {
		for _, key := range slices.Sorted(maps.Keys(from)) {
			value := from[key]
			if _, ok := value.(string); !ok {
				all.Add(place.Join(at, key), fault.New(fault.Invalid, "it is no text: put it in quotes, or set goTemplate: true"))
				continue
			}
			out[prefix+key] = value
		}
	}
	plain := params{}
	for key, value := range element {
		if key != "values" {
			plain[key] = value
			continue
		}
		values, ok := value.(params)
		if !ok {
			all.Add("values", fault.New(fault.Invalid, "it must be a map of texts"))
		}
		texts("values", "values.", values)
	}
	texts("", "", plain)
	return out, all.Err()
}
