package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/trueup-dev/trueup/internal/object"
)

// Normal is a value in the types that changes are compared by: map[string]any,
// []any, int64 for whole numbers, float64, string, bool, nil. It shares no
// memory with v.
func Normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[name] = Normal(value)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[fmt.Sprint(name)] = Normal(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = Normal(v[i])
		}
		return out
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
		return float64(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// Get reads what stands at a path; false is nothing. It is an error where the
// path does not fit what is there.
func Get(v any, path object.Path) (any, bool, error) {
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			if !IsField(step) {
				return nil, false, errors.New("a list is expected where there is a map")
			}
			child, ok := at[step.Field]
			if !ok {
				return nil, false, nil
			}
			v = child
		case []any:
			i, err := IndexOf(at, step)
			if err != nil || i < 0 {
				return nil, false, err
			}
			v = at[i]
		case nil:
			return nil, false, nil
		default:
			return nil, false, errors.New("a value is there that has no fields")
		}
	}
	return v, true, nil
}

// IsField reports a step to a key of a map.
func IsField(s object.Step) bool { return s.Index == nil && len(s.Keys) == 0 }

// IndexOf finds the item that a step means; -1 is none.
func IndexOf(list []any, step object.Step) (int, error) {
	if IsField(step) {
		return -1, errors.New("a map is expected where there is a list")
	}
	if step.Index != nil {
		if *step.Index < len(list) {
			return *step.Index, nil
		}
		return -1, nil
	}
	found := -1
	for i, item := range list {
		if m, ok := item.(map[string]any); !ok || !named(m, step.Keys) {
			continue
		}
		if found >= 0 {
			return -1, errors.New("two items of the list have the same keys")
		}
		found = i
	}
	return found, nil
}

// named reports an item that has the keys. A port without a protocol is the
// TCP one.
func named(m map[string]any, keys []object.KeyValue) bool {
	for _, kv := range keys {
		value, there := m[kv.Name]
		if !there && kv.Name == "protocol" {
			value = "TCP"
		}
		if fmt.Sprint(Normal(value)) != fmt.Sprint(Normal(kv.Value)) {
			return false // as text: a path does not tell 80 from "80"
		}
	}
	return true
}

// Change is what becomes of one path: Value stands there, or nothing does
// where Remove is set. What leads to the path is made where it is missing.
type Change struct {
	Path   object.Path
	Value  any
	Remove bool
}

// With is a value after a change; v stays as it is. A map that a removal
// leaves empty stays, but for labels and annotations, which go with it.
func With(v any, c Change) (any, error) {
	if c.Remove {
		if _, there, err := Get(v, c.Path); err != nil || !there {
			return v, err
		}
		for len(c.Path) > 1 && Lonely(v, c.Path) {
			c.Path = c.Path[:len(c.Path)-1]
		}
	}
	return with(v, c.Path, c)
}

// Lonely reports the last of an object's labels or annotations.
func Lonely(v any, path object.Path) bool {
	up := path[:len(path)-1]
	switch up[len(up)-1].Field {
	case "labels", "annotations":
	default:
		return false
	}
	around, _, err := Get(v, up)
	m, ok := around.(map[string]any)
	return err == nil && ok && len(m) == 1
}

func with(v any, path object.Path, c Change) (any, error) {
	if len(path) == 0 {
		return Normal(c.Value), nil
	}
	step, last := path[0], len(path) == 1
	switch at := v.(type) {
	case nil:
		if c.Remove {
			return nil, nil
		}
		return Nested(path, Normal(c.Value)), nil
	case map[string]any:
		if !IsField(step) {
			return nil, errors.New("a list is expected where there is a map")
		}
		out := maps.Clone(at)
		if last && c.Remove {
			delete(out, step.Field)
			return out, nil
		}
		child, err := with(at[step.Field], path[1:], c)
		out[step.Field] = child
		return out, err
	case []any:
		i, err := IndexOf(at, step)
		if err != nil {
			return nil, err
		}
		out := slices.Clone(at)
		switch {
		case i < 0 && step.Index != nil && *step.Index > len(at):
			return nil, errors.New("the list is shorter")
		case i < 0:
			return append(out, Nested(path, Normal(c.Value)).([]any)...), nil
		case last && c.Remove:
			return slices.Delete(out, i, i+1), nil
		}
		out[i], err = with(at[i], path[1:], c)
		return out, err
	}
	return nil, errors.New("a value is there that has no fields")
}

// nested is what a value and the way to it look like where nothing is yet.
func Nested(path object.Path, value any) any {
	if len(path) == 0 {
		return value
	}
	step := path[0]
	if IsField(step) {
		return map[string]any{step.Field: Nested(path[1:], value)}
	}
	item := Nested(path[1:], value)
	if m, ok := item.(map[string]any); ok && len(step.Keys) > 0 {
		m = maps.Clone(m)
		for _, kv := range step.Keys {
			if _, there := m[kv.Name]; !there {
				m[kv.Name] = Normal(kv.Value)
			}
		}
		item = m
	}
	return []any{item}
}

// between splits a change of a map or a list into those of its parts, so that
// what stays the same keeps its form.
func Between(path object.Path, have, want any) []Change {
	if reflect.DeepEqual(have, want) {
		return nil
	}
	switch h := have.(type) {
	case map[string]any:
		if w, ok := want.(map[string]any); ok && len(w) > 0 && len(h) > 0 {
			return betweenMaps(path, h, w)
		}
	case []any:
		if w, ok := want.([]any); ok && len(w) > 0 && len(h) > 0 {
			if changes, ok := betweenLists(path, h, w); ok {
				return changes
			}
			return onePerOne(path, h, w)
		}
	}
	return []Change{{Path: path, Value: want}}
}

func betweenMaps(path object.Path, have, want map[string]any) []Change {
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(want)) {
		at := path.Child(name)
		if value, there := have[name]; there {
			out = append(out, Between(at, value, want[name])...)
			continue
		}
		out = append(out, Change{Path: at, Value: want[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, there := want[name]; !there {
			out = append(out, Change{Path: path.Child(name), Remove: true})
		}
	}
	return out
}

// betweenLists finds the items that stay, by their names or values. It gives up
// where new ones are not all at the end, or where the order changed.
func betweenLists(path object.Path, have, want []any) ([]Change, bool) {
	var out []Change
	var gone []int
	next := 0
	for i, item := range have {
		if next < len(want) && alike(item, want[next]) {
			out = append(out, Between(path.At(i), item, want[next])...)
			next++
			continue
		}
		gone = append(gone, i)
	}
	if len(gone) == len(have) {
		return nil, false
	}
	for _, item := range want[next:] {
		if slices.ContainsFunc(have, func(old any) bool { return alike(old, item) }) {
			return nil, false
		}
	}
	for i, item := range want[next:] {
		out = append(out, Change{Path: path.At(len(have) + i), Value: item})
	}
	for _, i := range slices.Backward(gone) {
		out = append(out, Change{Path: path.At(i), Remove: true})
	}
	return out, true
}

// onePerOne changes items by their places.
func onePerOne(path object.Path, have, want []any) []Change {
	var out []Change
	for i := range min(len(have), len(want)) {
		out = append(out, Between(path.At(i), have[i], want[i])...)
	}
	for i := len(have); i < len(want); i++ {
		out = append(out, Change{Path: path.At(i), Value: want[i]})
	}
	for i := len(have) - 1; i >= len(want); i-- {
		out = append(out, Change{Path: path.At(i), Remove: true})
	}
	return out
}

func alike(a, b any) bool {
	x, ok := a.(map[string]any)
	y, both := b.(map[string]any)
	if !ok || !both {
		return reflect.DeepEqual(a, b)
	}
	for _, key := range []string{"name", "key", "containerPort", "port", "mountPath"} {
		if x[key] != nil && y[key] != nil {
			return reflect.DeepEqual(x[key], y[key])
		}
	}
	return reflect.DeepEqual(a, b)
}
