package origin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAliases bounds aliases of aliases.
const maxAliases = 32

// target follows aliases; nil where there are too many.
func target(n *yaml.Node) *yaml.Node {
	for range maxAliases {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// entry finds a key of a map, in maps that are merged into it as well.
func entry(m *yaml.Node, name string, depth int) (key, value *yaml.Node) {
	if m = target(m); m == nil || m.Kind != yaml.MappingNode || depth > maxAliases {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Tag != "!!merge" {
			continue
		}
		from := target(m.Content[i+1])
		if from == nil {
			continue
		}
		all := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			all = from.Content
		}
		for _, merged := range all {
			if key, value := entry(merged, name, depth+1); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

func child(m *yaml.Node, name string) *yaml.Node {
	_, value := entry(m, name, 0)
	return target(value)
}

// text is a scalar's; empty for all else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// scalar decodes a node that is neither a map nor a list.
func scalar(n *yaml.Node) (any, bool) {
	if n = target(n); n == nil || n.Kind != yaml.ScalarNode {
		return nil, false
	}
	if n.Tag == "!!timestamp" {
		return n.Value, true // Kubernetes reads a text
	}
	var v any
	if n.Decode(&v) != nil {
		return nil, false
	}
	return v, true
}

// same compares scalars: numbers by value.
func same(a, b any) bool {
	x, okX := number(a)
	y, okY := number(b)
	if okX || okY {
		return okX && okY && x == y
	}
	return a == b
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case float64:
		return n, true
	case json.Number:
		f, err := strconv.ParseFloat(string(n), 64)
		return f, err == nil
	}
	return 0, false
}

// encrypted is how values begin that SOPS wrote.
const encrypted = "ENC[AES256_GCM,"

// maxNodes bounds a comparison: aliases can make a small text large.
const maxNodes = 200_000

// holds tells whether the place holds a value.
func (s spot) holds(v any) bool {
	left := maxNodes
	return equal(s.value, v, &left)
}

func equal(n *yaml.Node, v any, left *int) bool {
	n = target(n)
	if *left--; n == nil || *left < 0 {
		return false
	}
	switch want := v.(type) {
	case map[string]any:
		if n.Kind != yaml.MappingNode {
			return false
		}
		names := map[string]bool{}
		keysOf(n, names, 0)
		for name := range want {
			if names[name] {
				delete(names, name)
				continue
			}
			return false
		}
		if len(names) > 0 {
			return false
		}
		for name, child := range want {
			if _, value := entry(n, name, 0); !equal(value, child, left) {
				return false
			}
		}
		return true
	case []any:
		if n.Kind != yaml.SequenceNode || len(n.Content) != len(want) {
			return false
		}
		for i, item := range want {
			if !equal(n.Content[i], item, left) {
				return false
			}
		}
		return true
	}
	return equalScalar(n, v)
}

// keysOf collects the keys of a map and of those merged into it.
func keysOf(m *yaml.Node, into map[string]bool, depth int) {
	if m = target(m); m == nil || depth > maxAliases {
		return
	}
	if m.Kind == yaml.SequenceNode {
		for _, item := range m.Content {
			keysOf(item, into, depth+1)
		}
		return
	}
	for i := 0; i+1 < len(m.Content) && m.Kind == yaml.MappingNode; i += 2 {
		if m.Content[i].Tag == "!!merge" {
			keysOf(m.Content[i+1], into, depth+1)
			continue
		}
		into[m.Content[i].Value] = true
	}
}

func equalScalar(n *yaml.Node, v any) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if strings.HasPrefix(n.Value, encrypted) {
		return true // nobody else writes such a value
	}
	if b, ok := v.(bool); ok && n.Tag == "!!str" && n.Style == 0 {
		// Kubernetes reads YAML 1.1.
		switch strings.ToLower(n.Value) {
		case "yes", "on", "y":
			return b
		case "no", "off", "n":
			return !b
		}
	}
	got, ok := scalar(n)
	return ok && same(got, v)
}

// encodes tells whether the place holds in plain text what v is in base64.
func (s spot) encodes(v any) bool {
	want, ok := v.(string)
	got, scalar := scalar(s.value)
	return ok && scalar && encoded(fmt.Sprint(got), want)
}

// encoded tells whether a value is a text as Secrets hold it.
func encoded(text, value string) bool {
	return base64.StdEncoding.EncodeToString([]byte(text)) == value
}

// last is the highest line of a node and all below it.
func last(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, last(c))
	}
	return line
}

// end is the last line of a value. Of a block of text only the first line is
// in the document's nodes.
func (f file) end(s spot) int {
	end, n := last(s.value), s.value
	indent := 0
	if s.key != nil {
		indent = s.key.Column - 1
	}
	for len(n.Content) > 0 {
		if n.Kind == yaml.MappingNode {
			indent = n.Content[len(n.Content)-2].Column - 1
		}
		n = n.Content[len(n.Content)-1]
	}
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 || n.Line != end {
		return end
	}
	for i := end; i < len(f.lines); i++ {
		line := bytes.TrimRight(f.lines[i], " \t\r")
		if len(line) == 0 {
			continue // it counts if something follows
		}
		if len(line)-len(bytes.TrimLeft(line, " ")) <= indent {
			break
		}
		end = i + 1
	}
	return end
}
