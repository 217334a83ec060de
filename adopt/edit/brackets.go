package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (s *source) removeInBrackets(at spot, width int) (splice, error) {
	member := func(i int) (from, to int, err error) {
		from = s.offset(at.parent.Content[i])
		to, err = s.end(at.parent.Content[i+width-1], -1, true)
		return from, to, err
	}
	from, to, err := member(at.index)
	if err != nil {
		return splice{}, err
	}
	if at.index+width < len(at.parent.Content) {
		next, _, err := member(at.index + width)
		return splice{from, next, ""}, err
	}
	_, before, err := member(at.index - width)
	return splice{before, to, ""}, err
}

func (s *source) addInBrackets(at spot, name string, value any) (splice, error) {
	n := at.node
	last := n.Content[len(n.Content)-1]
	first := last
	if n.Kind == yaml.MappingNode {
		first = n.Content[len(n.Content)-2]
	}
	end, err := s.end(last, -1, true)
	if err != nil {
		return splice{}, err
	}
	margin := -1
	if begin := s.offset(first); s.first(begin) && s.lineOf(begin) != s.lineOf(s.content(n)) {
		margin = s.column(begin)
	}
	text, err := s.inBrackets(value, last, margin) // in the quotes of its neighbour
	if err != nil {
		return splice{}, err
	}
	if n.Kind == yaml.MappingNode {
		key, err := s.inBrackets(name, first, -1)
		if err != nil {
			return splice{}, err
		}
		text = key + ": " + text
	}
	space := " "
	if margin >= 0 {
		space = "\n" + string(s.data[s.lineStart(s.offset(first)):s.offset(first)])
	}
	return splice{end, end, s.newline("," + space + text)}, nil
}

// margin is the column of a value's line in JSON that has lines; -1 is none.
func (s *source) margin(at spot) int {
	begin := s.offset(at.node)
	if at.key != nil {
		begin = s.offset(at.key)
	}
	if s.first(begin) && s.lineOf(begin) > 0 {
		return s.column(begin)
	}
	return -1
}

// inBrackets is a value within a map or list in brackets; margin is the column
// of its line in JSON that has lines, or -1.
func (s *source) inBrackets(value any, old *yaml.Node, margin int) (string, error) {
	if s.json {
		return asJSON(value, margin)
	}
	if !compound(value) {
		return inline(value, old, true)
	}
	n, err := node(value)
	if err != nil {
		return "", err
	}
	flowing(n)
	return encode(&yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{n}})
}

func flowing(n *yaml.Node) {
	switch {
	case n.Kind != yaml.ScalarNode:
		n.Style = yaml.FlowStyle
	case strings.ContainsAny(n.Value, "\n\r"):
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		flowing(child)
	}
}

func asJSON(value any, margin int) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if margin >= 0 {
		e.SetIndent(strings.Repeat(" ", margin), "  ")
	}
	if err := e.Encode(value); err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return strings.TrimRight(b.String(), "\n"), nil
}
