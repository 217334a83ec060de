package value

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/trueup-dev/trueup/internal/object"
)

// Unlike finds the first path at which two values differ; true is that they do
// not. Along some paths, an empty map or list is nothing, and the order of
// items with names does not count.
func Unlike(a, b any, along []object.Path) (string, bool) {
	for _, path := range along {
		a, b = tidy(a, path), tidy(b, path)
	}
	return unlike(a, b, nil)
}

// tidy gives a value one form along a path.
func tidy(v any, path object.Path) any {
	for n := len(path); n > 0; n-- {
		at := path[:n]
		found, there, err := Get(v, at)
		if err != nil || !there {
			continue
		}
		switch f := found.(type) {
		case nil:
			v = without(v, at)
		case map[string]any:
			if len(f) == 0 {
				v = without(v, at)
			}
		case []any:
			if len(f) == 0 {
				v = without(v, at)
				break
			}
			if n < len(path) && len(path[n].Keys) > 0 {
				sorted := slices.Clone(f)
				slices.SortStableFunc(sorted, func(a, b any) int { return cmp.Compare(text(a), text(b)) })
				if next, err := With(v, Change{Path: at, Value: sorted}); err == nil {
					v = next
				}
			}
		}
	}
	return v
}

func without(v any, path object.Path) any {
	if out, err := With(v, Change{Path: path, Remove: true}); err == nil {
		return out
	}
	return v
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func unlike(a, b any, path object.Path) (string, bool) {
	x, isMap := a.(map[string]any)
	y, both := b.(map[string]any)
	if !isMap || !both {
		return path.String(), reflect.DeepEqual(a, b)
	}
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if _, there := y[name]; !there {
			return path.Child(name).String(), false
		}
		if at, same := unlike(x[name], y[name], path.Child(name)); !same {
			return at, false
		}
	}
	for _, name := range slices.Sorted(maps.Keys(y)) {
		if _, there := x[name]; !there {
			return path.Child(name).String(), false
		}
	}
	return "", true
}
