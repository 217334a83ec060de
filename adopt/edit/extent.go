package edit

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var errForm = errors.New("it is written in a form that is not changed in place")

// end is where a node ends: before the line break and the comment that may
// follow. indent is the column of what holds it, flow that this is in brackets.
func (s *source) end(n *yaml.Node, indent int, flow bool) (int, error) {
	start := s.content(n)
	switch n.Kind {
	case yaml.AliasNode:
		return start + len("*") + len(n.Value), nil
	case yaml.ScalarNode:
		return s.scalarEnd(n, start, indent, flow)
	case yaml.MappingNode, yaml.SequenceNode:
		if n.Style&yaml.FlowStyle != 0 {
			return s.bracketEnd(start)
		}
		if len(n.Content) == 0 {
			return 0, errForm
		}
		last := n.Content[len(n.Content)-1]
		if n.Kind == yaml.MappingNode {
			key := n.Content[len(n.Content)-2]
			if key.Kind != yaml.ScalarNode {
				return 0, errForm
			}
			return s.end(last, s.column(s.content(key)), false)
		}
		dash, err := s.dash(last)
		if err != nil {
			return 0, err
		}
		return s.end(last, s.column(dash), false)
	case yaml.DocumentNode:
	}
	return 0, errForm
}

// content is where a node begins after its anchor and its tag.
func (s *source) content(n *yaml.Node) int {
	at := s.offset(n)
	if n.Kind == yaml.AliasNode || n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(s.data) && (s.data[at] == '&' || s.data[at] == '!') {
		for at < len(s.data) && !bytes.ContainsRune([]byte(" \t\r\n"), rune(s.data[at])) {
			at++
		}
		for at < len(s.data) && (s.data[at] == ' ' || s.data[at] == '\t') {
			at++
		}
	}
	return at
}

func (s *source) scalarEnd(n *yaml.Node, start, indent int, flow bool) (int, error) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.quoteEnd(start, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.quoteEnd(start, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockEnd(start, indent), nil
	case n.Value == "":
		return start, nil
	}
	return s.plainEnd(n.Value, start, flow)
}

func (s *source) quoteEnd(start int, quote byte) (int, error) {
	if start >= len(s.data) || s.data[start] != quote {
		return 0, errForm
	}
	for i := start + 1; i < len(s.data); i++ {
		switch {
		case s.data[i] == '\\' && quote == '"':
			i++
		case s.data[i] == quote && quote == '\'' && i+1 < len(s.data) && s.data[i+1] == quote:
			i++
		case s.data[i] == quote:
			return i + 1, nil
		}
	}
	return 0, errForm
}

// blockEnd is the end of the last line of a block scalar: the lines that are
// deeper than what holds it. Blank lines at its end are part of it only where
// it keeps them.
func (s *source) blockEnd(start, indent int) int {
	header := s.data[start:s.lineEnd(start)]
	keep := bytes.ContainsRune(bytes.SplitN(header, []byte("#"), 2)[0], '+')
	end := s.lineEnd(start)
	for line := s.lineOf(start) + 1; line < len(s.lines); line++ {
		text := s.data[s.lines[line]:s.lineEnd(s.lines[line])]
		blank := len(bytes.TrimSpace(text)) == 0
		if !blank && len(text)-len(bytes.TrimLeft(text, " ")) <= indent {
			break
		}
		if !blank || keep {
			end = s.lineEnd(s.lines[line])
		}
	}
	return end
}

// plainEnd follows a plain scalar over as many lines as its value needs.
func (s *source) plainEnd(value string, start int, flow bool) (int, error) {
	want := strings.Join(strings.Fields(value), "")
	got := ""
	for at := start; at < len(s.data); at = s.nextLine(at) {
		line := s.data[at:s.lineEnd(at)]
		for i := 0; i < len(line); {
			r, size := utf8.DecodeRune(line[i:])
			space := r == ' ' || r == '\t'
			if !space {
				if got += string(r); !strings.HasPrefix(want, got) {
					return 0, errForm
				}
			}
			i += size
			if got == want && !space {
				return s.checkPlain(at+i, flow)
			}
		}
		if s.nextLine(at) == at {
			break
		}
	}
	return 0, errForm
}

// checkPlain makes sure that a plain scalar may end at a place.
func (s *source) checkPlain(at int, flow bool) (int, error) {
	rest := s.data[at:s.lineEnd(at)]
	switch {
	case len(bytes.TrimLeft(rest, " \t")) == 0,
		rest[0] == ':', // a key
		flow && bytes.IndexByte([]byte(",]}:"), bytes.TrimLeft(rest, " \t")[0]) >= 0,
		(rest[0] == ' ' || rest[0] == '\t') && bytes.IndexByte([]byte("#:"), bytes.TrimLeft(rest, " \t")[0]) >= 0:
		return at, nil
	}
	return 0, errForm
}

// bracketEnd is behind the bracket that closes the one at a place.
func (s *source) bracketEnd(start int) (int, error) {
	if start >= len(s.data) || s.data[start] != '{' && s.data[start] != '[' {
		return 0, errForm
	}
	depth := 0
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case (c == '"' || c == '\'') && s.opens(i):
			end, err := s.quoteEnd(i, c)
			if err != nil {
				return 0, err
			}
			i = end - 1
		case c == '#' && i > 0 && bytes.IndexByte([]byte(" \t\r\n"), s.data[i-1]) >= 0:
			i = s.lineEnd(i)
		}
	}
	return 0, errForm
}

// opens reports a quote that begins a scalar, and is not part of a plain one.
func (s *source) opens(at int) bool {
	before := bytes.TrimRight(s.data[:at], " \t\r\n")
	return len(before) == 0 || bytes.IndexByte([]byte("{[,:?!"), before[len(before)-1]) >= 0 || s.first(at)
}

// dash is the place of the one that an item of a list follows.
func (s *source) dash(item *yaml.Node) (int, error) {
	at := s.offset(item)
	for at > 0 {
		at--
		switch s.data[at] {
		case ' ', '\t':
			continue
		case '-':
			return at, nil
		case '\n', '\r':
			// The dash stands alone on a line above, with comments between maybe.
			for line := s.lineOf(at); line >= 0; line-- {
				text := s.data[s.lines[line]:s.lineEnd(s.lines[line])]
				if cut := bytes.Index(text, []byte("#")); cut >= 0 {
					text = text[:cut]
				}
				if text = bytes.TrimRight(text, " \t"); len(text) == 0 {
					continue
				}
				if text[len(text)-1] == '-' {
					return s.lines[line] + len(text) - 1, nil
				}
				return 0, errForm
			}
		}
		break
	}
	return 0, errForm
}
