package drift

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// place is a spot in an object under comparison: a path, linked from the leaf
// to the root so that walking allocates little.
type place struct {
	up   *place
	step object.Step
	// value is set for the items of a set, which managedFields address by
	// value.
	value any
	typ   *schema.Type
	// whole is the outermost enclosing value that has one owner only.
	whole *place
	// quantity says that scalars below are quantities, though no schema says
	// so. What is a map of strings by custom, such as labels, holds none.
	quantity bool
	// extra says that only live has it.
	extra bool
	// spelled says that Git has an empty list here, null that it has null: the
	// server fills in a default then, and lets us own it.
	spelled, null bool
	// siblings are the live members beside this one.
	siblings map[string]any
}

func (p *place) field(name string, siblings map[string]any) *place {
	typ := p.typ.Field(name)
	child := &place{
		up: p, step: object.Step{Field: name}, typ: typ, siblings: siblings,
		quantity: typ == nil && !isStringMap(p, nil) && (p.quantity || schema.QuantityName(name)),
	}
	return child.inherit(p.typ != nil && p.typ.Whole)
}

func (p *place) item(typ *schema.Type, step object.Step, whole bool) *place {
	child := &place{up: p, step: step, typ: typ, quantity: p.quantity}
	return child.inherit(whole)
}

func (p *place) inherit(whole bool) *place {
	switch {
	case p.up.whole != nil:
		p.whole = p.up.whole
	case whole:
		p.whole = p.up
	}
	return p
}

// name is the field's name; empty for an item of a list.
func (p *place) name() string { return p.step.Field }

func (p *place) isItem() bool { return p.step.Index != nil || len(p.step.Keys) > 0 }

func (p *place) depth() int {
	n := 0
	for ; p.up != nil; p = p.up {
		n++
	}
	return n
}

func (p *place) path() object.Path {
	path := make(object.Path, p.depth())
	for i := len(path) - 1; i >= 0; i, p = i-1, p.up {
		path[i] = p.step
	}
	return path
}

// at reports whether the place is the given one; "*" stands for any item of a
// list.
func (p *place) at(path ...string) bool {
	for _, name := range slices.Backward(path) {
		if p.up == nil || p.isItem() != (name == "*") || name != "*" && p.name() != name {
			return false
		}
		p = p.up
	}
	return p.up == nil
}

// below reports whether the place is the given one or inside it.
func (p *place) below(path ...string) bool {
	for ; p.up != nil; p = p.up {
		if p.at(path...) {
			return true
		}
	}
	return false
}

// elements are the place's path in the language of managedFields.
func (p *place) elements() []string {
	out := make([]string, p.depth())
	for i := len(out) - 1; i >= 0; i, p = i-1, p.up {
		out[i] = p.element()
	}
	return out
}

func (p *place) element() string {
	switch {
	case p.value != nil:
		return "v:" + compact(p.value)
	case p.step.Index != nil:
		return "i:" + strconv.Itoa(*p.step.Index)
	case len(p.step.Keys) > 0:
		keys := make(map[string]any, len(p.step.Keys))
		for _, kv := range p.step.Keys {
			keys[kv.Name] = kv.Value
		}
		return "k:" + compact(keys)
	default:
		return "f:" + p.step.Field
	}
}

// compact prints JSON as the API server does: sorted keys, no escaped HTML.
func compact(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
