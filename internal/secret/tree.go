package secret

import "strconv"

// A file is a tree of branches, lists and scalars in the order of the file:
// the MAC depends on it. Comments are kept as far as rules look at them.
type (
	branch []item
	list   []any
	// comment stands where a comment is.
	comment string
)

type item struct {
	key   any // a string, or a comment without a value
	value any
}

// cut takes an item out of a branch.
func (b branch) cut(key string) (value any, rest branch, ok bool) {
	for i, it := range b {
		if it.key == key {
			return it.value, append(append(branch{}, b[:i]...), b[i+1:]...), true
		}
	}
	return nil, b, false
}

// plain is a tree as maps and slices.
func plain(value any) any {
	switch v := value.(type) {
	case branch:
		out := make(map[string]any, len(v))
		for _, it := range v {
			if key, ok := it.key.(string); ok {
				out[key] = plain(it.value)
			}
		}
		return out
	case list:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if _, ok := e.(comment); !ok {
				out = append(out, plain(e))
			}
		}
		return out
	}
	return value
}

// scalarText is a value in a format that has nothing but text.
func scalarText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return ""
	}
	return string(macText(value))
}
