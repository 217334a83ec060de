package edit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// compound reports a map or a list with something in it.
func compound(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

// lines reports a text that is best written line by line.
func lines(v any) bool {
	text, ok := v.(string)
	return ok && strings.Contains(strings.TrimRight(text, "\n"), "\n") && !strings.Contains(text, "\r") && !strings.HasSuffix(text, "\n\n")
}

// node is a value as people write it: names first.
func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, name := range ordered(v) {
			key, err := node(name)
			if err != nil {
				return nil, err
			}
			value, err := node(v[name])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, key, value)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			value, err := node(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, value)
		}
		return n, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return n, nil
}

func ordered(m map[string]any) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

func rank(name string) int {
	all := []string{"apiVersion", "kind", "metadata", "name", "namespace", "image"}
	if i := slices.Index(all, name); i >= 0 {
		return i
	}
	return len(all)
}

// print writes a value as block YAML without indentation.
func (s *source) print(v any) (string, error) {
	n, err := node(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if !s.indentsLists() {
		e.CompactSeqIndent()
	}
	if err := e.Encode(n); err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return b.String(), nil
}

// indentsLists tells whether the file's lists are deeper than their keys.
func (s *source) indentsLists() bool {
	deeper := false
	var visit func(n *yaml.Node) bool
	visit = func(n *yaml.Node) bool {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && child.Kind == yaml.SequenceNode && child.Style&yaml.FlowStyle == 0 && len(child.Content) > 0 {
				if dash, err := s.dash(child.Content[0]); err == nil {
					deeper = s.column(dash) > s.column(s.content(n.Content[i-1]))
					return true
				}
			}
			if visit(child) {
				return true
			}
		}
		return false
	}
	for _, d := range s.docs {
		if d != nil && visit(d) {
			break
		}
	}
	return deeper
}

// shift indents lines.
func shift(text string, columns int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, "\n") != "" {
			b.WriteString(strings.Repeat(" ", columns))
		}
		b.WriteString(line)
	}
	return b.String()
}

// pair is a key and its value, as lines at a column.
func (s *source) pair(name string, value any, column int) (string, error) {
	text, err := s.print(map[string]any{name: value})
	return shift(text, column), err
}

// item is an item of a list, as lines at the column of its dash.
func (s *source) item(value any, column int) (string, error) {
	text, err := s.print([]any{value})
	return shift(text, column), err
}

// block is a value that goes behind the colon or the dash of a spot.
func (s *source) block(value any, at spot) (string, error) {
	switch {
	case at.parent == nil:
		text, err := s.print(value)
		return strings.TrimSuffix(text, "\n"), err
	case at.key != nil:
		text, err := s.pair("x", value, at.indent)
		return strings.TrimRight(text[min(len(text), at.indent+len("x:")):], "\n"), err
	}
	text, err := s.item(value, at.indent)
	return strings.TrimRight(text[min(len(text), at.indent+len("-")):], "\n"), err
}

// inline is a scalar, or an empty map or list, in the quotes of the node that
// it replaces where these fit.
func inline(value any, old *yaml.Node, flow bool) (string, error) {
	n, err := node(value)
	if err != nil {
		return "", err
	}
	if text, ok := value.(string); ok {
		if old != nil && old.Kind == yaml.ScalarNode && old.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			n.Style = old.Style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle)
		}
		if strings.ContainsAny(text, "\n\r") {
			n.Style = yaml.DoubleQuotedStyle
		}
	} else {
		n.Style = yaml.FlowStyle
	}
	if !flow {
		data, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "x"}, n}})
		return strings.TrimSpace(strings.TrimPrefix(string(data), "x:")), err
	}
	return encode(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{n}})
}

// encode writes a list in brackets of one item, and takes the brackets off.
func encode(list *yaml.Node) (string, error) {
	data, err := yaml.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	text := strings.TrimSpace(string(data))
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")), nil
}
