package param

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Clone copies a parameter set, down to its leaves.
func Clone(set map[string]any) map[string]any { return clone(set).(map[string]any) }

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = clone(inner)
		}
		return out
	case map[string]string:
		return maps.Clone(v)
	case []any:
		out := slices.Clone(v)
		for i, inner := range out {
			out[i] = clone(inner)
		}
		return out
	case []map[string]any:
		out := slices.Clone(v)
		for i, inner := range out {
			out[i] = Clone(inner)
		}
		return out
	case []string:
		return slices.Clone(v)
	}
	return value
}

// Overlay puts one parameter set over another: maps merge key by key, of
// everything else that over has, over's counts, be it empty, zero or null.
func Overlay(base, over map[string]any) map[string]any {
	out := Clone(base)
	overlay(out, over)
	return out
}

func overlay(into, over map[string]any) {
	for key, value := range over {
		below, ok := asMap(into[key])
		above, also := asMap(value)
		if !ok || !also {
			into[key] = clone(value)
			continue
		}
		overlay(below, above)
		into[key] = sameType(below, into[key], value)
	}
}

// asMap copies a map of any type.
func asMap(value any) (map[string]any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return v, v != nil
	case map[string]string:
		out := make(map[string]any, len(v))
		for key, text := range v {
			out[key] = text
		}
		return out, v != nil
	}
	return nil, false
}

// sameType makes a map of texts again out of two of them: templates see the
// difference where a key is missing.
func sameType(merged map[string]any, a, b any) any {
	_, first := a.(map[string]string)
	_, second := b.(map[string]string)
	if !first || !second {
		return merged
	}
	out := make(map[string]string, len(merged))
	for key, value := range merged {
		out[key], _ = value.(string)
	}
	return out
}

// Combine puts two flat parameter sets together, everything as text. A name
// with two values is an error of kind Invalid.
func Combine(a, b map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(a)+len(b))
	for key, value := range a {
		out[key] = fmt.Sprint(value)
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		text := fmt.Sprint(b[key])
		if have, ok := out[key]; ok && have != text {
			return nil, fault.New(fault.Invalid, "found duplicate key %s with different value, a: %s ,b: %s", key, have, text)
		}
		out[key] = text
	}
	return out, nil
}

// Product is what a matrix makes of two parameter sets: of nested ones the
// first counts, flat ones may not contradict each other.
func Product(nested bool, first, second map[string]any) (map[string]any, error) {
	if nested {
		return Overlay(second, first), nil
	}
	return Combine(first, second)
}

// Scope is what texts may use after two parameter sets: the first counts.
func Scope(first, second map[string]any) map[string]any {
	if len(first) == 0 {
		return second
	}
	return Overlay(second, first)
}

// Stack lays parameter sets over each other, the last on top.
func Stack(nested bool, sets []map[string]any) map[string]any {
	out := map[string]any{}
	for _, set := range sets {
		if nested {
			out = Overlay(out, set)
			continue
		}
		maps.Copy(out, set)
	}
	return out
}
