package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// itemLines are the lines of the n items of a list, in the order of flatten.
// Lists as programs and people write them are scanned for the beginnings of
// their items; where that finds another number, or where lists may be nested,
// they are parsed once more.
func (d document) itemLines(n int, nested bool) []int {
	if nested {
		return d.parsedLines()
	}
	scan := blockItems
	if d.json {
		scan = jsonItems
	}
	lines := scan(d.text)
	if len(lines) != n {
		return d.parsedLines()
	}
	for i := range lines {
		lines[i] += d.line - 1
	}
	return lines
}

// blockItems scans YAML for the dashes below a line "items:". It finds nothing
// in what is written in another way.
func blockItems(text []byte) []int {
	var lines []int
	inside, indent, number := false, -1, 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimRight(line, " \t\r\n")
		content := bytes.TrimLeft(line, " ")
		column := len(line) - len(content)
		switch {
		case len(content) == 0 || content[0] == '#':
		case !inside:
			inside = column == 0 && itemsAlone(content)
		case content[0] == '-' && (column == indent || indent < 0):
			indent = column
			rest := bytes.TrimLeft(bytes.TrimPrefix(content, []byte("-")), " ")
			if len(rest) == 0 || bytes.IndexByte([]byte("#&!*|>?-"), rest[0]) >= 0 {
				return nil // the item begins elsewhere, or is more than it seems
			}
			lines = append(lines, number)
		case column <= max(indent, 0):
			return lines
		}
	}
	return lines
}

// itemsAlone reports a line that is "items:" and maybe a comment.
func itemsAlone(content []byte) bool {
	rest, ok := bytes.CutPrefix(content, []byte("items:"))
	rest = bytes.TrimLeft(rest, " ")
	return ok && (len(rest) == 0 || rest[0] == '#')
}

// jsonItems scans valid JSON for the elements of the outermost "items".
func jsonItems(text []byte) []int {
	s := jsonScan{line: 1}
	for i := 0; i < len(text); i++ {
		i = s.next(text, i)
	}
	return s.items
}

type jsonScan struct {
	items       []int
	line, depth int
	key         string // the last one of the outermost object
	inside      bool   // of items
	fresh       bool   // a key of the outermost object, or an item, may follow
}

// next takes a character, or a whole text, and returns the index of its end.
func (s *jsonScan) next(text []byte, at int) int {
	c := text[at]
	if s.inside && s.depth == itemDepth && s.fresh && bytes.IndexByte([]byte(" \t\r\n]"), c) < 0 {
		s.items, s.fresh = append(s.items, s.line), false
	}
	switch c {
	case '\n':
		s.line++
	case '"':
		end := closing(text, at)
		if s.depth == 1 && s.fresh {
			s.key, s.fresh = string(text[at+1:end]), false
		}
		return end
	case '{', '[':
		s.inside = s.inside || s.depth == 1 && c == '[' && s.key == "items"
		s.depth++
		s.fresh = s.counts()
	case '}', ']':
		s.depth--
		s.inside = s.inside && s.depth >= itemDepth
	case ',':
		s.fresh = s.counts()
	}
	return at
}

func (s *jsonScan) counts() bool { return s.depth == 1 || s.inside && s.depth == itemDepth }

// itemDepth is how many brackets are open around an item.
const itemDepth = 2

// closing is the index of the quote that ends the text that begins at a quote.
func closing(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text) - 1
}

// parsedLines reads the document a second time, with the lines of its nodes.
// Where they cannot be told there are none, or not as many as items.
func (d document) parsedLines() []int {
	var root yaml.Node
	if err := yaml.Unmarshal(d.text, &root); err != nil || len(root.Content) == 0 {
		return nil
	}
	var lines []int
	var visit func(n *yaml.Node, kind string, depth int)
	visit = func(n *yaml.Node, kind string, depth int) {
		at := n.Line
		if n.Alias != nil {
			n = n.Alias
		}
		fields := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			fields[n.Content[i].Value] = n.Content[i+1]
		}
		if own := fields["kind"]; own != nil {
			kind = own.Value
		}
		items := fields["items"]
		if !strings.HasSuffix(kind, "List") || items == nil || items.Kind != yaml.SequenceNode || depth > MaxDepth {
			lines = append(lines, d.line+at-1)
			return
		}
		for _, item := range items.Content {
			visit(item, strings.TrimSuffix(kind, "List"), depth+1)
		}
	}
	visit(root.Content[0], "", 0)
	return lines
}
