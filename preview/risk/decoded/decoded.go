// Package decoded reads manifests that are decoded JSON.
//
// It does not know what their fields mean.
package decoded

// Map is a map inside another one; nil where there is none.
func Map(m map[string]any, path ...string) map[string]any {
	for _, name := range path {
		m, _ = m[name].(map[string]any)
	}
	return m
}

// List is a list at such a place; nil where there is none.
func List(m map[string]any, path ...string) []any {
	last := len(path) - 1
	list, _ := Map(m, path[:last]...)[path[last]].([]any)
	return list
}

// Texts are those of a list.
func Texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Number is a whole number.
func Number(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}
