package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/object"
)

// source is a file, parsed.
type source struct {
	data  []byte // without a byte order mark
	bom   bool
	lines []int // where each begins
	crlf  bool
	json  bool
	docs  []*yaml.Node // their contents; nil for an empty one
	// values are those of the documents.
	values []any
}

func parse(data []byte) (*source, error) {
	s := &source{data: bytes.TrimPrefix(data, bom), bom: bytes.HasPrefix(data, bom)}
	if !utf8.Valid(s.data) {
		return nil, errors.New("the file is not UTF-8 text")
	}
	trimmed := bytes.TrimLeft(s.data, " \t\r\n")
	s.json = len(trimmed) > 1 && trimmed[0] == '{' && bytes.IndexByte([]byte(" \t\r\n\"}"), trimmed[1]) >= 0 && bytes.ContainsRune(trimmed, '"')
	s.crlf = bytes.Contains(s.data, []byte("\r\n"))
	s.measure()
	decoder := yaml.NewDecoder(bytes.NewReader(s.data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		if len(node.Content) == 0 {
			s.docs, s.values = append(s.docs, nil), append(s.values, nil)
			continue
		}
		var content any
		if err := node.Content[0].Decode(&content); err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		s.docs, s.values = append(s.docs, node.Content[0]), append(s.values, value.Normal(content))
	}
}

// measure finds the lines as YAML counts them, where more characters end one
// than elsewhere.
func (s *source) measure() {
	s.lines = []int{0}
	for i := 0; i < len(s.data); {
		r, size := utf8.DecodeRune(s.data[i:])
		i += size
		switch r {
		case '\r':
			if i < len(s.data) && s.data[i] == '\n' {
				i++
			}
			s.lines = append(s.lines, i)
		case '\n', '\u0085', '\u2028', '\u2029':
			s.lines = append(s.lines, i)
		}
	}
}

// offset is where a node begins.
func (s *source) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.lines) {
		return len(s.data)
	}
	at := s.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.data[at:])
		at += size
	}
	return min(at, len(s.data))
}

// lineOf is the number of the line, from 0, that holds a place.
func (s *source) lineOf(at int) int {
	low, high := 0, len(s.lines)
	for high-low > 1 {
		if mid := (low + high) / 2; s.lines[mid] <= at {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// lineStart is where the line of a place begins, lineEnd where it ends: before
// its line break.
func (s *source) lineStart(at int) int { return s.lines[s.lineOf(at)] }

func (s *source) lineEnd(at int) int {
	n := s.lineOf(at)
	if n+1 == len(s.lines) {
		return len(s.data)
	}
	return len(s.data[:s.lines[n+1]]) - s.breakBefore(s.lines[n+1])
}

// breakBefore is the size of the line break that ends at a place.
func (s *source) breakBefore(at int) int {
	if at >= 2 && s.data[at-1] == '\n' && s.data[at-2] == '\r' {
		return 2
	}
	_, size := utf8.DecodeLastRune(s.data[:at])
	return size
}

// nextLine is where the line after that of a place begins.
func (s *source) nextLine(at int) int {
	n := s.lineOf(at)
	if n+1 == len(s.lines) {
		return len(s.data)
	}
	return s.lines[n+1]
}

// newline is how the file ends lines.
func (s *source) newline(text string) string {
	if s.crlf {
		return strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// column is that of a place, from 0.
func (s *source) column(at int) int { return utf8.RuneCount(s.data[s.lineStart(at):at]) }

// first reports that nothing but space stands before a place in its line.
func (s *source) first(at int) bool {
	return len(bytes.TrimLeft(s.data[s.lineStart(at):at], " ")) == 0
}

// picked is the document that a target means, and the way to the object in it.
type picked struct {
	index  int
	prefix object.Path
}

func open(data []byte, at Target) (*source, picked, error) {
	s, err := parse(data)
	if err != nil {
		return nil, picked{}, err
	}
	if at.Key.Kind == "" {
		found := -1
		for i, d := range s.docs {
			if d == nil {
				continue
			}
			if found >= 0 {
				return nil, picked{}, errors.New("the file holds several documents")
			}
			found = i
		}
		if found < 0 {
			return nil, picked{}, errors.New("the file holds nothing")
		}
		return s, picked{index: found}, nil
	}
	found := search{key: at.Key, line: at.Line}
	for i, d := range s.docs {
		if d != nil {
			found.visit(d, s.values[i], picked{index: i}, "")
		}
	}
	all, exact := found.all, found.exact
	switch {
	case len(all) == 1:
		return s, all[0], nil
	case len(exact) == 1:
		return s, exact[0], nil
	case len(all) == 0:
		return nil, picked{}, fmt.Errorf("the file does not describe %s", at.Key)
	}
	return nil, picked{}, fmt.Errorf("the file describes %s more than once", at.Key)
}

// maxLists bounds lists within lists.
const maxLists = 16

// search finds the objects of a key in documents, within lists too; exact are
// those that begin at the line.
type search struct {
	key        object.Key
	line       int
	all, exact []picked
}

// visit looks at a node; kind is that of the items of a typed list.
func (f *search) visit(n *yaml.Node, content any, p picked, kind string) {
	m, ok := content.(map[string]any)
	if !ok || len(p.prefix) > maxLists {
		return
	}
	if own, _ := m["kind"].(string); own != "" {
		kind = own
	}
	items, isList := m["items"].([]any)
	if !strings.HasSuffix(kind, "List") || !isList {
		if matches(m, kind, f.key) {
			if f.all = append(f.all, p); n.Line == f.line {
				f.exact = append(f.exact, p)
			}
		}
		return
	}
	node := field(n, "items")
	for i, item := range items {
		child := n
		if node != nil && node.Kind == yaml.SequenceNode && i < len(node.Content) {
			child = node.Content[i]
		}
		f.visit(child, item, picked{p.index, p.prefix.Child("items").At(i)}, strings.TrimSuffix(kind, "List"))
	}
}

func field(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func matches(m map[string]any, kind string, key object.Key) bool {
	meta, _ := m["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	namespace, _ := meta["namespace"].(string)
	version, _ := m["apiVersion"].(string)
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	return kind == key.Kind && (name == key.Name || key.Name == "") && (version == "" || group == key.Group) &&
		(namespace == "" || key.Namespace == "" || namespace == key.Namespace)
}

// extent is the part of the file that a document is, with the line that
// begins it.
func (s *source) extent(index int) (from, to int) {
	separator := func(line int) bool {
		text := s.data[s.lines[line]:]
		rest, ok := bytes.CutPrefix(text, []byte("---"))
		return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
	}
	at := s.docs[index].Line - 1
	start := at
	for start > 0 && !separator(start) {
		start--
	}
	end := at + 1
	for end < len(s.lines) && !separator(end) {
		end++
	}
	if end == len(s.lines) {
		return s.lines[start], len(s.data)
	}
	if !separator(start) {
		return s.lines[start], s.nextLine(s.lines[end]) // the first document has no line of its own
	}
	return s.lines[start], s.lines[end]
}
