package edit

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/object"
)

// spot is a node and what holds it.
type spot struct {
	node, key, parent *yaml.Node
	index             int // among the parent's content
	// indent is the column of what holds the node: of its key or its dash; -1
	// is the document.
	indent int
	flow   bool
}

var errAlias = errors.New("it stands behind an alias (*), and others share what that refers to")

// change finds the splice that makes a change of a document.
func (s *source) change(root *yaml.Node, c Change) (splice, error) {
	if root == nil {
		return splice{}, errForm
	}
	if c.Remove {
		for len(c.Path) > 1 {
			if !value.Lonely(value.Normal(decoded(root)), c.Path) {
				break
			}
			c.Path = c.Path[:len(c.Path)-1]
		}
	}
	at, rest, err := s.walk(root, c.Path)
	switch {
	case err != nil:
		return splice{}, err
	case len(rest) == 0 && c.Remove:
		return s.remove(at)
	case c.Remove:
		return splice{}, errors.New("the value comes by a merge key (<<)")
	case len(rest) == 0:
		return s.replace(at, c.Value)
	}
	return s.add(at, rest, c.Value)
}

func decoded(n *yaml.Node) any {
	var v any
	if n.Decode(&v) != nil {
		return nil
	}
	return v
}

// walk goes as far along a path as there are nodes.
func (s *source) walk(root *yaml.Node, path object.Path) (spot, object.Path, error) {
	at := spot{node: root, indent: -1, flow: s.json}
	for i, step := range path {
		n := at.node
		next := spot{parent: n, flow: at.flow || n.Style&yaml.FlowStyle != 0, index: -1}
		switch n.Kind {
		case yaml.AliasNode:
			return at, nil, errAlias
		case yaml.MappingNode:
			for k := 0; k+1 < len(n.Content); k += 2 {
				if n.Content[k].Value == step.Field && n.Content[k].Kind == yaml.ScalarNode && n.Content[k].Tag != "!!merge" {
					next.index, next.key, next.node = k, n.Content[k], n.Content[k+1]
				}
			}
			if next.index < 0 {
				return at, path[i:], nil
			}
			next.indent = s.column(s.content(next.key))
		case yaml.SequenceNode:
			list, _ := value.Normal(decoded(n)).([]any)
			k, err := value.IndexOf(list, step)
			if err != nil {
				return at, nil, err
			}
			if k < 0 || k >= len(n.Content) {
				return at, path[i:], nil
			}
			next.index, next.node = k, n.Content[k]
			if !next.flow {
				dash, err := s.dash(next.node)
				if err != nil {
					return at, nil, err
				}
				next.indent = s.column(dash)
			}
		case yaml.ScalarNode, yaml.DocumentNode:
			return at, path[i:], nil
		}
		at = next
	}
	return at, nil, nil
}

// fixed refuses what others refer to.
func fixed(n *yaml.Node) error {
	if n.Anchor != "" {
		return errors.New("it has an anchor (&" + n.Anchor + "), and others may refer to it")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return errors.New("it has a tag (" + n.Tag + ")")
	}
	return nil
}

// begin is where what is written for a value begins: behind the colon or the
// dash.
func (s *source) begin(at spot) (int, error) {
	if at.key == nil {
		if at.parent == nil {
			return s.offset(at.node), nil
		}
		dash, err := s.dash(at.node)
		return dash + 1, err
	}
	end, err := s.end(at.key, at.indent, at.flow)
	if err != nil {
		return 0, err
	}
	for end < len(s.data) && (s.data[end] == ' ' || s.data[end] == '\t') {
		end++
	}
	if end >= len(s.data) || s.data[end] != ':' {
		return 0, errForm
	}
	return end + 1, nil
}

// replace puts another value in the place of a node.
func (s *source) replace(at spot, value any) (splice, error) {
	if err := fixed(at.node); err != nil {
		return splice{}, err
	}
	end, err := s.end(at.node, at.indent, at.flow)
	if err != nil {
		return splice{}, err
	}
	if at.flow {
		text, err := s.inBrackets(value, at.node, s.margin(at))
		if start := s.content(at.node); start == end {
			text = " " + text
		}
		return splice{s.content(at.node), end, text}, err
	}
	block := compound(value) || lines(value)
	collection := at.node.Kind == yaml.MappingNode || at.node.Kind == yaml.SequenceNode
	nested := collection && at.node.Style&yaml.FlowStyle == 0
	start := s.content(at.node)
	if block || nested {
		if start, err = s.begin(at); err != nil {
			return splice{}, err
		}
	}
	if !block {
		text, err := inline(value, at.node, false)
		if nested || start == end {
			text = " " + text
		}
		if trailing := s.data[start:end]; !nested && bytes.ContainsAny(trailing, "\n") && at.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && collection {
			return splice{}, errForm
		}
		return splice{start, end, text}, err
	}
	text, err := s.block(value, at)
	if comment := bytes.TrimSpace(s.data[end:s.lineEnd(end)]); len(comment) > 0 && comment[0] == '#' {
		// It stays on the line of the key.
		first, rest, _ := strings.Cut(text, "\n")
		text, end = first+" "+string(comment)+"\n"+rest, s.lineEnd(end)
	}
	return splice{start, end, s.newline(text)}, err
}

// remove takes a key or an item away, with its line where it has one.
func (s *source) remove(at spot) (splice, error) {
	if at.parent == nil {
		return splice{}, errForm
	}
	if err := fixed(at.node); err != nil {
		return splice{}, err
	}
	size := len(at.parent.Content)
	width := 1
	if at.key != nil {
		width = 2
	}
	if size == width {
		return s.clear(at)
	}
	if at.flow {
		return s.removeInBrackets(at, width)
	}
	start, err := s.entry(at.parent, at.index)
	if err != nil {
		return splice{}, err
	}
	end, err := s.end(at.node, at.indent, false)
	if err != nil {
		return splice{}, err
	}
	if s.first(start) {
		return splice{s.lineStart(start), s.nextLine(end), ""}, nil
	}
	if at.index+width >= size {
		return splice{}, errForm
	}
	next, err := s.entry(at.parent, at.index+width)
	return splice{start, next, ""}, err
}

// clear leaves an empty map or list where its last member goes.
func (s *source) clear(at spot) (splice, error) {
	n := at.parent
	if err := fixed(n); err != nil {
		return splice{}, err
	}
	text := "[]"
	if at.key != nil {
		text = "{}"
	}
	start := s.content(n)
	if n.Style&yaml.FlowStyle != 0 {
		end, err := s.bracketEnd(start)
		return splice{start, end, text}, err
	}
	first, err := s.entry(n, 0)
	if err != nil {
		return splice{}, err
	}
	end, err := s.end(at.node, at.indent, false)
	if err != nil {
		return splice{}, err
	}
	// Back over the line break to what the collection belongs to.
	before := bytes.TrimRight(s.data[:first], " \t\r\n")
	if len(before) == 0 || before[len(before)-1] != ':' && before[len(before)-1] != '-' {
		return splice{first, end, text}, nil // the proof tells whether that will do
	}
	return splice{len(before), end, " " + text}, nil
}

// entry is where a member of a block collection begins: its key or its dash.
func (s *source) entry(parent *yaml.Node, index int) (int, error) {
	if parent.Kind == yaml.MappingNode {
		return s.offset(parent.Content[index]), nil
	}
	return s.dash(parent.Content[index])
}

// add makes what is missing of a path.
func (s *source) add(at spot, rest object.Path, to any) (splice, error) {
	n := at.node
	switch n.Kind {
	case yaml.AliasNode:
		return splice{}, errAlias
	case yaml.MappingNode, yaml.SequenceNode:
		if len(n.Content) == 0 {
			break
		}
		if n.Kind == yaml.MappingNode != value.IsField(rest[0]) {
			return splice{}, errors.New("a map and a list are taken for each other")
		}
		wrapped := value.Nested(rest, to)
		if n.Kind == yaml.SequenceNode {
			wrapped = wrapped.([]any)[0]
		} else {
			wrapped = wrapped.(map[string]any)[rest[0].Field]
		}
		if n.Style&yaml.FlowStyle != 0 {
			return s.addInBrackets(at, rest[0].Field, wrapped)
		}
		if n.Kind == yaml.SequenceNode {
			return s.addItem(n, wrapped)
		}
		return s.addKey(n, rest[0].Field, wrapped)
	case yaml.ScalarNode:
		if n.Tag != "!!null" {
			return splice{}, errors.New("a value is there that has no fields")
		}
	case yaml.DocumentNode:
		return splice{}, errForm
	}
	return s.replace(at, value.Nested(rest, to))
}

func (s *source) addItem(n *yaml.Node, value any) (splice, error) {
	last := n.Content[len(n.Content)-1]
	dash, err := s.dash(last)
	if err != nil {
		return splice{}, err
	}
	column := s.column(dash)
	end, err := s.end(last, column, false)
	if err != nil {
		return splice{}, err
	}
	text, err := s.item(value, column)
	return s.behind(end, text), err
}

// behind puts lines after the one in which something ends.
func (s *source) behind(end int, text string) splice {
	at := s.lineEnd(end)
	return splice{at, at, s.newline("\n" + strings.TrimRight(text, "\n"))}
}

// addKey puts a scalar beside the scalars, before the larger values; those go
// to the end.
func (s *source) addKey(n *yaml.Node, name string, value any) (splice, error) {
	column := s.column(s.content(n.Content[0]))
	text, err := s.pair(name, value, column)
	if err != nil {
		return splice{}, err
	}
	behind := len(n.Content) - 1
	if !compound(value) && !lines(value) {
		behind = -1
		for i := 1; i < len(n.Content); i += 2 {
			if n.Content[i].Kind == yaml.ScalarNode || n.Content[i].Kind == yaml.AliasNode {
				behind = i
			}
		}
	}
	if behind < 0 {
		first := s.offset(n.Content[0])
		text := strings.TrimLeft(strings.TrimRight(text, "\n"), " ")
		return splice{first, first, s.newline(text + "\n" + strings.Repeat(" ", column))}, nil
	}
	end, err := s.end(n.Content[behind], column, false)
	if err != nil {
		return splice{}, err
	}
	return s.behind(end, text), nil
}
