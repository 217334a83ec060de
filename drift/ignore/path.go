package ignore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/drift/jq"
)

const maxSteps = 64

// pattern is a path as reports print it, with wildcards.
type pattern []hop

// hop is one step: exactly one of the fields counts, the first that is set.
type hop struct {
	any   bool
	keys  []pair
	index *int
	field string
}

type pair struct{ name, value string }

// parsePattern reads spec.containers[name=web].ports[*].name: what reports
// print, with * or [*] for any key or item, and [] for any item. One dot may
// lead.
func parsePattern(text string) (pattern, error) {
	rest := strings.TrimPrefix(strings.TrimSpace(text), ".")
	if rest == "" {
		return nil, errors.New("is empty")
	}
	var out pattern
	for rest != "" {
		var step hop
		var err error
		if rest[0] == '[' {
			step, rest, err = bracket(rest[1:])
		} else {
			name := rest
			if end := strings.IndexAny(rest, ".["); end >= 0 {
				name, rest = rest[:end], rest[end:]
			} else {
				rest = ""
			}
			if name == "" || strings.ContainsAny(name, "]\"= \t\n/\\") {
				return nil, fmt.Errorf("%q: %q is no field; a key with dots or slashes is written [\"like.this/key\"]", text, name)
			}
			step = hop{field: name, any: name == "*"}
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		if out = append(out, step); len(out) > maxSteps {
			return nil, fmt.Errorf("has more than %d steps", maxSteps)
		}
		if strings.HasPrefix(rest, ".") {
			if rest = rest[1:]; rest == "" || rest[0] == '[' || rest[0] == '.' {
				return nil, fmt.Errorf("%q: a dot is followed by a field", text)
			}
		}
	}
	return out, nil
}

// bracket reads what follows an opening bracket, and the closing one.
func bracket(text string) (hop, string, error) {
	var step hop
	for {
		name, rest, quoted, err := word(text)
		if err != nil {
			return step, "", err
		}
		if rest == "" {
			return step, "", errors.New("a bracket is not closed")
		}
		end, rest := rest[0], rest[1:]
		switch {
		case end == '=':
			value, after, _, err := word(rest)
			if err != nil {
				return step, "", err
			}
			if after == "" || after[0] != ',' && after[0] != ']' {
				return step, "", errors.New("a bracket is not closed")
			}
			step.keys = append(step.keys, pair{name, value})
			if after[0] == ']' {
				return step, after[1:], nil
			}
			text = after[1:]
		case end == ']' && len(step.keys) == 0:
			return single(name, quoted), rest, checkSingle(name, quoted)
		default:
			return step, "", fmt.Errorf("%q is neither an index, a key=value nor a quoted key", name)
		}
	}
}

func single(text string, quoted bool) hop {
	switch i, err := strconv.Atoi(text); {
	case quoted:
		return hop{field: text}
	case text == "" || text == "*":
		return hop{any: true}
	case err == nil:
		return hop{index: &i}
	}
	return hop{}
}

func checkSingle(text string, quoted bool) error {
	if quoted || text == "" || text == "*" {
		return nil
	}
	if i, err := strconv.Atoi(text); err != nil || i < 0 {
		return fmt.Errorf("[%s] is neither an index, a key=value nor a quoted key", text)
	}
	return nil
}

// word reads a quoted or a plain word inside a bracket.
func word(text string) (word, rest string, quoted bool, err error) {
	if strings.HasPrefix(text, `"`) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", "", true, errors.New("a quote is not closed")
		}
		word, err := strconv.Unquote(prefix)
		return word, text[len(prefix):], true, err
	}
	end := strings.IndexAny(text, "=,]")
	if end < 0 {
		return text, "", false, nil
	}
	return text[:end], text[end:], false, nil
}

func (p pattern) find(in *jq.Input) ([]spot, error) {
	type found struct {
		spot  spot
		value any
	}
	all := []found{{value: in.Object}}
	for _, step := range p {
		var next []found
		for _, f := range all {
			err := step.each(f.value, func(key, value any) error {
				if len(next) >= jq.MaxPaths {
					return jq.ErrTooMany
				}
				next = append(next, found{f.spot.child(key), value})
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		all = next
	}
	out := make([]spot, len(all))
	for i, f := range all {
		out[i] = f.spot
	}
	return out, nil
}

// each calls back for the children that a step stands for.
func (h hop) each(v any, found func(key, value any) error) error {
	switch v := v.(type) {
	case map[string]any:
		if !h.any {
			if child, ok := v[h.field]; ok && len(h.keys) == 0 && h.index == nil {
				return found(h.field, child)
			}
			return nil
		}
		for name, child := range v {
			if err := found(name, child); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if h.any || h.index != nil && *h.index == i || len(h.keys) > 0 && h.named(item) {
				if err := found(i, item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// named reports an item that has the keys. A port without a protocol is the
// TCP one, as everywhere in Kubernetes.
func (h hop) named(item any) bool {
	m, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, key := range h.keys {
		value, there := m[key.name]
		if !there && key.name == "protocol" {
			value = "TCP"
		}
		if textOf(value) != key.value {
			return false
		}
	}
	return true
}

// textOf is a key's value as paths print it. Whole numbers read as floats
// print without a fraction.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// pointer is a JSON pointer: RFC 6901, where numbers are places in lists too.
type pointer []string

func parsePointer(text string) (pointer, error) {
	rest, ok := strings.CutPrefix(text, "/")
	if !ok || rest == "" {
		return nil, fmt.Errorf("%q is no JSON pointer to a field: it begins with a slash", text)
	}
	steps := strings.Split(rest, "/")
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("has more than %d steps", maxSteps)
	}
	for i, step := range steps {
		plain := strings.NewReplacer("~1", "", "~0", "").Replace(step)
		if strings.Contains(plain, "~") {
			return nil, fmt.Errorf("%q: ~ is written ~0, and / inside a key ~1", text)
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return steps, nil
}

func (p pointer) find(in *jq.Input) ([]spot, error) {
	var out spot
	var root any = in.Object
	for _, step := range p {
		switch v := root.(type) {
		case map[string]any:
			child, ok := v[step]
			if !ok {
				return nil, nil
			}
			out, root = append(out, step), child
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
				return nil, nil
			}
			out, root = append(out, i), v[i]
		default:
			return nil, nil
		}
	}
	return []spot{out}, nil
}

// expression is one of jq's.
type expression struct{ *jq.Expression }

func parseExpression(text string) (expression, error) {
	e, err := jq.Parse(text)
	return expression{e}, err
}

func (e expression) find(in *jq.Input) ([]spot, error) {
	paths, err := e.Paths(in)
	out := make([]spot, len(paths))
	for i, p := range paths {
		out[i] = p
	}
	return out, err
}
