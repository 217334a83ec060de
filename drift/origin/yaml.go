package origin

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/object"
)

// file is a text of YAML documents, or of JSON.
type file struct {
	lines [][]byte
	docs  []*yaml.Node
}

// maxText bounds what is read, in bytes: nodes take a hundred times as much.
const maxText = 4 << 20

// read parses a text. What cannot be read has no documents.
func read(text []byte) file {
	f := file{lines: bytes.Split(text, []byte("\n"))}
	if len(text) > maxText {
		return f
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return f
		}
		if err != nil {
			return file{lines: f.lines}
		}
		if len(doc.Content) > 0 {
			f.docs = append(f.docs, doc.Content[0])
		}
	}
}

// in finds the lines that declare a value of an object. begin is the line at
// which the object is described, as manifest.Locate tells it; 0 where that is
// not known, and then its name must be there once.
func (f file) in(begin int, w Wanted) (from, to int, ok bool) {
	top := f.described(begin, w.Object)
	if top == nil {
		return 0, 0, false
	}
	if len(w.Path) == 0 {
		return top.Line, last(top), true
	}
	if s, found := find(top, w.Path); found && s.holds(w.Value) {
		return s.from(), f.end(s), true
	}
	// What a Secret gives in plain text is rendered as it is, and live it is
	// encoded.
	if s, found := find(top, plainText(w)); found && (s.holds(w.Value) || s.encodes(w.Value)) {
		return s.from(), f.end(s), true
	}
	return 0, 0, false
}

// plainText is the path at which a Secret may give the value in plain text.
func plainText(w Wanted) object.Path {
	if w.Object.Kind != "Secret" || w.Object.Group != "" || len(w.Path) != 2 || w.Path[0].Field != "data" {
		return nil
	}
	return object.Path{{Field: "stringData"}, w.Path[1]}
}

// described finds the object of a kind that begins at a line.
func (f file) described(begin int, key object.Key) *yaml.Node {
	var all []*yaml.Node
	for _, doc := range f.docs {
		all = append(all, objectsIn(doc, 0)...)
	}
	all = slices.DeleteFunc(all, func(n *yaml.Node) bool { return text(child(n, "kind")) != key.Kind })
	var out *yaml.Node
	for _, n := range all {
		switch {
		case begin > 0 && n.Line >= begin && (out == nil || n.Line < out.Line):
			out = n
		case begin == 0 && text(child(child(n, "metadata"), "name")) == key.Name:
			if out != nil {
				return nil
			}
			out = n
		}
	}
	return out
}

// objectsIn are a document's objects: its own, or those of a list.
func objectsIn(n *yaml.Node, depth int) []*yaml.Node {
	items := child(n, "items")
	if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(text(child(n, "kind")), "List") || depth > manifest.MaxDepth {
		return []*yaml.Node{n}
	}
	var out []*yaml.Node
	for _, item := range items.Content {
		out = append(out, objectsIn(item, depth+1)...)
	}
	return out
}

// spot is a value in a document: a field with its key, or an item.
type spot struct{ key, value *yaml.Node }

func (s spot) from() int {
	if s.key != nil {
		return s.key.Line
	}
	return s.value.Line
}

// find walks to a path. Aliases and merged maps are followed to what they
// stand for: that is where the value is declared.
func find(n *yaml.Node, path object.Path) (spot, bool) {
	if len(path) == 0 {
		return spot{}, false
	}
	s := spot{value: n}
	for _, step := range path {
		at := target(s.value)
		switch {
		case at == nil:
			return spot{}, false
		case at.Kind == yaml.MappingNode && step.Index == nil && len(step.Keys) == 0:
			key, value := entry(at, step.Field, 0)
			if value == nil {
				return spot{}, false
			}
			s = spot{key, value}
		case at.Kind == yaml.SequenceNode:
			item := itemOf(at, step)
			if item == nil {
				return spot{}, false
			}
			s = spot{value: item}
		default:
			return spot{}, false
		}
	}
	return s, true
}

func itemOf(list *yaml.Node, step object.Step) *yaml.Node {
	if step.Index != nil {
		if *step.Index < len(list.Content) {
			return list.Content[*step.Index]
		}
		return nil
	}
	for _, item := range list.Content {
		if keyed(step.Keys, func(name string) (any, bool) { return scalar(child(item, name)) }) {
			return item
		}
	}
	return nil
}
