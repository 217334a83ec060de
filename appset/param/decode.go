package param

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Version is how YAML reads yes, no, on and off without quotes.
type Version string

// In version 1.1 they are booleans, as in Argo CD; in 1.2 texts. As keys of
// maps they are texts in both.
const (
	V11 Version = "1.1"
	V12 Version = "1.2"
)

// VersionOf is the version of a set's field: 1.1 unless it says 1.2.
func VersionOf(field string) Version {
	if Version(field) == V12 {
		return V12
	}
	return V11
}

// YAML decodes the first document of YAML or JSON: maps as map[string]any,
// lists as []any, integers without losing a digit. More says that other
// documents follow. Errors are of kind Invalid and name the line.
func (v Version) YAML(data []byte) (value any, more bool, err error) {
	decoder := yamlv3.NewDecoder(bytes.NewReader(data))
	var document, next yamlv3.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, false, nil
	case err != nil:
		return nil, false, fault.Wrap(fault.Invalid, err)
	}
	if value, err = (&reader{version: v}).value(&document); err != nil {
		return nil, false, fault.Wrap(fault.Invalid, err)
	}
	if err := bearable(value); err != nil {
		return nil, false, err
	}
	err = decoder.Decode(&next)
	empty := next.Kind == 0 || len(next.Content) == 1 && next.Content[0].ShortTag() == "!!null"
	return value, err == nil && !empty || err != nil && !errors.Is(err, io.EOF), nil
}

// JSON decodes JSON in the same way.
func JSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "there is more after the first value")
	}
	value = exact(value)
	return value, bearable(value)
}

// Free is JSON for a field that may hold anything, where null is decoded to
// nothing.
func Free(data []byte) (any, error) {
	if data == nil {
		return nil, nil
	}
	return JSON(data)
}

// exact replaces the numbers of a decoder that keeps their digits.
func exact(value any) any {
	switch v := value.(type) {
	case json.Number:
		return ParseNumber(v.String())
	case map[string]any:
		for key := range v {
			v[key] = exact(v[key])
		}
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	}
	return value
}
