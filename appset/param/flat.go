package param

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Flat gives everything in a parameter set a dotted name and a text. Empty
// maps and lists have none. Of two things with one name the last in the
// order of the keys counts.
func Flat(set map[string]any) map[string]string {
	out := map[string]string{}
	flatten(out, "", set)
	return out
}

func flatten(out map[string]string, name string, value any) {
	dot := name
	if dot != "" {
		dot += "."
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			flatten(out, dot+key, v[key])
		}
	case map[string]string:
		for key, text := range v {
			out[dot+key] = text
		}
	case []any:
		for i, inner := range v {
			flatten(out, dot+strconv.Itoa(i), inner)
		}
	default:
		out[name] = fmt.Sprint(v)
	}
}
