package object

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Path addresses a field from the root of an object.
type Path []Step

// Step is one hop of a path: exactly one of its fields is set. A step with
// no field set addresses the key "" of a map.
type Step struct {
	// Field is a key of a map.
	Field string
	// Keys name an item of an associative list, in the schema's order.
	Keys []KeyValue
	// Index is the position in any other list, from 0.
	Index *int
}

// KeyValue is one key of an associative list's item.
type KeyValue struct {
	Name  string
	Value any
}

// Child returns the path of a map key below p. p is never changed.
func (p Path) Child(field string) Path { return p.with(Step{Field: field}) }

// Item returns the path of an associative list's item below p.
func (p Path) Item(keys ...KeyValue) Path { return p.with(Step{Keys: keys}) }

// At returns the path of a list position below p.
func (p Path) At(index int) Path { return p.with(Step{Index: &index}) }

func (p Path) with(s Step) Path {
	return append(p[:len(p):len(p)], s)
}

// String prints the path as people write it:
//
//	spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP]
//	metadata.labels["app.kubernetes.io/name"]
//	spec.rules[0]
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		s.print(&b)
	}
	return b.String()
}

func (s Step) print(b *strings.Builder) {
	switch {
	case s.Index != nil:
		b.WriteString("[" + strconv.Itoa(*s.Index) + "]")
	case len(s.Keys) > 0:
		b.WriteByte('[')
		for i, kv := range s.Keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(kv.Name + "=" + keyText(kv.Value))
		}
		b.WriteByte(']')
	case s.Field == "" || strings.ContainsAny(s.Field, "./[]\"= \t\n\\"):
		b.WriteString("[" + strconv.Quote(s.Field) + "]")
	default:
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.Field)
	}
}

// keyText leaves plain words as they are and quotes what would make the path
// ambiguous.
func keyText(v any) string {
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(raw)
	}
	if text == "" || strings.ContainsAny(text, ",]\"= \t\n\\") {
		return strconv.Quote(text)
	}
	return text
}
