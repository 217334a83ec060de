package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errNotJSON = errors.New("it is no JSON object")

// readJSON reads an object with its keys in order.
func readJSON(data []byte) (branch, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := jsonValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	b, ok := value.(branch)
	if _, err := decoder.Token(); !ok || !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return b, nil
}

// maxDepth bounds nesting: the decoder's tokens have no bound of their own.
const maxDepth = 1000

func jsonValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests more than %d deep", maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n, nil
		}
		return t.Float64()
	case json.Delim:
		if t == '[' {
			return jsonList(decoder, depth+1)
		}
		return jsonBranch(decoder, depth+1)
	}
	return token, nil
}

func jsonList(decoder *json.Decoder, depth int) (list, error) {
	out := list{}
	for decoder.More() {
		value, err := jsonValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	_, err := decoder.Token() // the bracket
	return out, err
}

func jsonBranch(decoder *json.Decoder, depth int) (branch, error) {
	out, seen := branch{}, map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok || seen[key] {
			return nil, errors.New("a key is there twice")
		}
		seen[key] = true
		value, err := jsonValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, item{key, value})
	}
	_, err := decoder.Token() // the brace
	return out, err
}

func writeJSON(b branch) ([]byte, error) {
	var out bytes.Buffer
	if err := appendJSON(&out, b); err != nil {
		return nil, fmt.Errorf("write the plain text: %w", err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("write the plain text: %w", err)
	}
	pretty.WriteByte('\n')
	return pretty.Bytes(), nil
}

func appendJSON(out *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case branch:
		out.WriteByte('{')
		for i, it := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := appendJSON(out, it.key); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := appendJSON(out, it.value); err != nil {
				return err
			}
		}
		out.WriteByte('}')
		return nil
	case list:
		out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := appendJSON(out, e); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	}
	data, err := json.Marshal(value)
	out.Write(data)
	return err
}

// binary is the text of a file that SOPS wrapped into an object. Other objects
// are JSON under a name that does not tell so.
func binary(b branch) (text string, ok bool) {
	if len(b) != 1 {
		return "", false
	}
	text, ok = b[0].value.(string)
	return text, ok && b[0].key == "data"
}
