package origin

import (
	"github.com/trueup-dev/trueup/internal/object"
)

// Precision says how near a Place is to what declares a value.
type Precision string

// The closed set of precisions.
const (
	// Line: these lines declare the very value.
	Line Precision = "line"
	// Object: the object's description begins at the line. The value is in it,
	// or comes from something that it refers to.
	Object Precision = "object"
	// File: the object comes out of the file.
	File Precision = "file"
)

// Place is where a value is declared. Lines count from 1; From 0 is not known.
type Place struct {
	File      string
	From, To  int
	Precision Precision
	// Hidden: something sets the path to another value, and what sets the one
	// that was rendered was not found.
	Hidden bool
}

// At is the place of an object that is described in a file, maybe at a line.
func At(file string, line int) Place {
	if line == 0 {
		return Place{File: file, Precision: File}
	}
	return Place{File: file, From: line, To: line, Precision: Object}
}

// Wanted is a value of an object as it was rendered. An empty path is the
// object as a whole.
type Wanted struct {
	Object object.Key
	Path   object.Path
	Value  any
	// index tells which items of lists the path leads through, one for each
	// step.
	index []int
}

// Want finds the value in a rendered object: that of the path, or of the
// nearest one above it that the object has, which declares it as a whole.
func Want(key object.Key, content map[string]any, path object.Path) (Wanted, bool) {
	for n := len(path); n > 0; n-- {
		if value, index, ok := lookup(content, path[:n]); ok {
			return Wanted{key, path[:n], value, index}, true
		}
	}
	return Wanted{}, false
}

// lookup finds what is at a path of decoded JSON, and the items on the way.
func lookup(v any, path object.Path) (_ any, index []int, ok bool) {
	index = make([]int, len(path))
	for n, step := range path {
		switch at := v.(type) {
		case map[string]any:
			if step.Index != nil || len(step.Keys) > 0 {
				return nil, nil, false
			}
			if v, ok = at[step.Field]; !ok {
				return nil, nil, false
			}
		case []any:
			if index[n] = position(at, step); index[n] < 0 {
				return nil, nil, false
			}
			v = at[index[n]]
		default:
			return nil, nil, false
		}
	}
	return v, index, true
}

// position finds an item of a list; -1 is none.
func position(list []any, step object.Step) int {
	if step.Index != nil {
		if *step.Index < len(list) {
			return *step.Index
		}
		return -1
	}
	for i, item := range list {
		m, ok := item.(map[string]any)
		if ok && keyed(step.Keys, func(name string) (any, bool) { v, ok := m[name]; return v, ok }) {
			return i
		}
	}
	return -1
}

// keyed tells whether an item has the keys. Those that it leaves open are
// defaults, but not all of them.
func keyed(keys []object.KeyValue, get func(name string) (any, bool)) bool {
	has := false
	for _, kv := range keys {
		v, ok := get(kv.Name)
		if !ok {
			continue
		}
		if !same(v, kv.Value) {
			return false
		}
		has = true
	}
	return has
}
