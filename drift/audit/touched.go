package audit

import (
	"encoding/json"
	"strings"
)

// Bounds of what is kept of a patch.
const (
	maxTouched = 64
	maxDepth   = 32
	maxPath    = 512 // bytes
)

// between separates the names of a path.
const between = "\x00"

// touched lists the fields that a patch names, items of lists left out; nil
// where it cannot be told. Values are not looked at.
func touched(body json.RawMessage) []string {
	if len(body) == 0 {
		return nil
	}
	var patch any
	if json.Unmarshal(body, &patch) != nil {
		return nil
	}
	t := toucher{}
	switch p := patch.(type) {
	case map[string]any:
		t.merge(nil, p)
	case []any:
		t.operations(p)
	default:
		return nil
	}
	if t.unknown || len(t.out) == 0 {
		return nil
	}
	return t.out
}

type toucher struct {
	out     []string
	unknown bool
}

func (t *toucher) add(path []string) {
	text := strings.Join(path, between)
	if len(t.out) == maxTouched || len(text) > maxPath {
		t.unknown = true
		return
	}
	t.out = append(t.out, text)
}

// merge walks a merge patch, a strategic one or an applied object.
func (t *toucher) merge(at []string, v any) {
	if t.unknown || len(at) > maxDepth {
		t.unknown = true
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			t.add(at)
		}
		for name, value := range v {
			switch directive, field, _ := strings.Cut(name, "/"); {
			case directive == "$setElementOrder", directive == "$retainKeys":
			case directive == "$deleteFromPrimitiveList" && field != "":
				t.add(append(at[:len(at):len(at)], field))
			case strings.HasPrefix(name, "$"):
				t.add(at) // $patch: delete or replace
			default:
				t.merge(append(at[:len(at):len(at)], name), value)
			}
		}
	case []any:
		plain := len(v) == 0
		for _, item := range v {
			if _, ok := item.(map[string]any); ok {
				t.merge(at, item)
				continue
			}
			plain = true
		}
		if plain {
			t.add(at)
		}
	default:
		t.add(at)
	}
}

// operations walks a JSON patch.
func (t *toucher) operations(list []any) {
	for _, item := range list {
		op, _ := item.(map[string]any)
		path, ok := op["path"].(string)
		if !ok {
			t.unknown = true
			return
		}
		if op["op"] == "test" {
			continue
		}
		t.add(pointer(path))
		if from, ok := op["from"].(string); ok {
			t.add(pointer(from))
		}
	}
}

// pointer is a JSON pointer's names. A number may be a key as well as a
// position: names that are numbers are left out on both sides.
func pointer(path string) []string {
	var out []string
	for _, name := range strings.Split(path, "/")[1:] {
		if name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name); !positional(name) {
			out = append(out, name)
		}
	}
	return out
}

func positional(name string) bool {
	return name == "-" || name != "" && strings.Trim(name, "0123456789") == ""
}

// touches reports whether an event may have changed the field at a path, as
// reports print it. An event that does not tell may have.
func (e *Event) touches(path string) bool {
	if e.touched == nil || path == "" {
		return true
	}
	want := names(path)
	for _, text := range e.touched {
		var have []string
		for name := range strings.SplitSeq(text, between) {
			if name != "" && !positional(name) {
				have = append(have, name)
			}
		}
		if related(fromStringData(have), want) {
			return true
		}
	}
	return false
}

// related reports that one path is the other, or leads to it.
func related(a, b []string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// fromStringData: the server stores a Secret's stringData as data.
func fromStringData(path []string) []string {
	if len(path) > 0 && path[0] == "stringData" {
		return append([]string{"data"}, path[1:]...)
	}
	return path
}

// names are those of a printed path, items of lists left out:
// metadata.labels["a/b"] and spec.containers[name=web].image.
func names(path string) []string {
	var out []string
	add := func(name string) {
		if name != "" && !positional(name) {
			out = append(out, name)
		}
	}
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			inside, rest := bracket(path[1:])
			var name string
			if json.Unmarshal([]byte(inside), &name) == nil {
				add(name)
			}
			path = rest
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			add(path[:end])
			path = path[end:]
		}
	}
	return out
}

// bracket cuts at the bracket that closes, beside quoted text.
func bracket(s string) (inside, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ']' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
