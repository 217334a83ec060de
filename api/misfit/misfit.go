package misfit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	kjson "sigs.k8s.io/json"
)

// Misfit is a value that its type does not take.
type Misfit struct {
	// Path is a place such as spec.generators[1].list.elements; empty is the
	// document itself.
	Path string
	Err  error
}

func (m Misfit) Error() string {
	if m.Path == "" {
		return m.Err.Error()
	}
	return m.Path + ": " + m.Err.Error()
}

func (m Misfit) Unwrap() error { return m.Err }

// most are told of one document.
const most = 20

// Of decodes a document into a T, and gives what does not fit where that
// fails: never nothing then. Unknown fields fit.
//
// A decoder tells of the first error alone, often without its place. So every
// value is tried by itself, below those that do not fit.
func Of[T any](raw []byte) []Misfit {
	try := func(value any) error {
		data, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return kjson.UnmarshalCaseSensitivePreserveInts(data, new(T))
	}
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, new(T))
	if err == nil {
		return nil
	}
	var tree any
	if kjson.UnmarshalCaseSensitivePreserveInts(raw, &tree) != nil {
		return []Misfit{{"", plain(err)}}
	}
	return below("", tree, try)
}

// below finds the misfits in a value; in puts a part of it where it is in the
// document, alone, and tries that.
func below(path string, value any, in func(any) error) []Misfit {
	err := in(value)
	if err == nil {
		return nil
	}
	var out []Misfit
	switch v := value.(type) {
	case map[string]any:
		if in(map[string]any{}) != nil {
			break // it must not be an object
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := key
			if path != "" {
				at = path + "." + key
			}
			out = append(out, below(at, v[key], func(part any) error { return in(map[string]any{key: part}) })...)
		}
	case []any:
		if in([]any{}) != nil {
			break
		}
		for i, item := range v {
			out = append(out, below(path+"["+strconv.Itoa(i)+"]", item, func(part any) error { return in([]any{part}) })...)
		}
	}
	if len(out) == 0 {
		return []Misfit{{path, plain(err)}}
	}
	return out[:min(len(out), most)]
}

// plain says what a type takes, in place of its Go name.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || wrong.Type == nil {
		return err
	}
	want, ok := map[reflect.Kind]string{
		reflect.Slice: "a list", reflect.Array: "a list", reflect.Map: "an object", reflect.Struct: "an object", reflect.String: "a text", reflect.Bool: "true or false",
		reflect.Int: "a whole number", reflect.Int32: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number",
	}[wrong.Type.Kind()]
	if !ok {
		return err
	}
	have, ok := map[string]string{"object": "an object", "array": "a list", "string": "a text", "bool": "true or false"}[wrong.Value]
	if !ok {
		have = wrong.Value // such as: number 1.5
	}
	return fmt.Errorf("it is %s, and must be %s", have, want)
}
