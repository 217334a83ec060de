package param

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"

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

// YAML decodes the first document of YAML or JSON: maps as map[string]any,
// lists as []any, integers without losing a digit. More says that other
// documents follow. Errors are of kind Invalid and name the line.
func (v Version) YAML(data []byte) (value any, more bool, err error) {
	decoder := yamlv2.NewDecoder(bytes.NewReader(data))
	node := v.node()
	if err := decoder.Decode(node); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fault.Wrap(fault.Invalid, err)
	}
	var rest any
	switch err := decoder.Decode(&rest); {
	case errors.Is(err, io.EOF):
	case err != nil || rest != nil:
		more = true
	}
	return node.result(), more, nil
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
	return exact(value), nil
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

// node is any YAML. The library that Argo CD decodes with resolves scalars;
// only what it would lose on the way to JSON is kept. Two types, because the
// library makes the nodes: they cannot be told the version.
type node interface{ result() any }

func (v Version) node() node {
	if v == V12 {
		return &node12{}
	}
	return &node11{}
}

type (
	node11 struct{ value any }
	node12 struct{ value any }
	// key is the key of a map.
	key string
)

func (n *node11) result() any { return n.value }
func (n *node12) result() any { return n.value }

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *node11) UnmarshalYAML(unmarshal func(any) error) error {
	return resolve[node11](&n.value, unmarshal, func(b bool) any { return b })
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *node12) UnmarshalYAML(unmarshal func(any) error) error {
	return resolve[node12](&n.value, unmarshal, func(b bool) any {
		var text string
		if err := unmarshal(&text); err != nil || strings.EqualFold(text, strconv.FormatBool(b)) {
			return b
		}
		return text
	})
}

func resolve[T any, P interface {
	*T
	node
}](into *any, unmarshal func(any) error, boolean func(bool) any) error {
	var fields map[key]T
	var failure *yamlv2.TypeError
	err := unmarshal(&fields)
	if err == nil && fields != nil {
		out := make(map[string]any, len(fields))
		for k := range fields {
			inner := fields[k]
			out[string(k)] = P(&inner).result()
		}
		*into = out
		return nil
	}
	if err != nil && !errors.As(err, &failure) {
		return err
	}
	var items []T
	switch listErr := unmarshal(&items); {
	case listErr != nil && !errors.As(listErr, &failure):
		return listErr
	case listErr == nil && items != nil:
		out := make([]any, len(items))
		for i := range items {
			out[i] = P(&items[i]).result()
		}
		*into = out
		return nil
	}
	var scalar any
	if err := unmarshal(&scalar); err != nil {
		return err
	}
	switch v := scalar.(type) {
	case bool:
		*into = boolean(v)
	case int:
		*into = FromInt(int64(v))
	case int64:
		*into = FromInt(v)
	case uint64:
		*into = FromUint(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the number %v cannot be a parameter", v)
		}
		*into = v
	default:
		*into = v
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler: keys become the texts that they
// become on the way to JSON, except for y, no and their like, which stay.
func (k *key) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	switch v := value.(type) {
	case bool:
		var text string
		if err := unmarshal(&text); err != nil {
			return err
		}
		if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
			text = strings.ToLower(text)
		}
		*k = key(text)
	case string:
		*k = key(v)
	case float64:
		*k = key(strconv.FormatFloat(v, 'g', -1, 32))
	case int, int64, uint64:
		*k = key(fmt.Sprint(v))
	default:
		return fmt.Errorf("a key of a map is neither text, number nor boolean: %v", v)
	}
	return nil
}
