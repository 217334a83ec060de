package plugin

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/trueup-dev/trueup/internal/fault"
)

// decode reads {"output": {"parameters": [{...}]}}. An answer without that
// list is garbage: only an empty list is an empty answer.
func decode(data []byte) ([]map[string]any, error) {
	var answer struct {
		Output struct {
			Parameters json.RawMessage `json:"parameters"`
		} `json:"output"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fault.New(fault.Invalid, "its answer is not JSON of the form {\"output\": {\"parameters\": [...]}}: %w", err)
	}
	list := bytes.TrimSpace(answer.Output.Parameters)
	if len(list) == 0 || list[0] != '[' {
		return nil, fault.New(fault.Invalid, "its answer has no list output.parameters")
	}
	// One by one, so that a list of nothing much cannot ask for much memory.
	dec := json.NewDecoder(bytes.NewReader(list))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	out := []map[string]any{}
	for dec.More() {
		if len(out) == maxSets {
			return nil, fault.New(fault.Invalid, "its answer has more than %d parameter sets", maxSets)
		}
		var set map[string]any
		if err := dec.Decode(&set); err != nil || set == nil {
			return nil, fault.New(fault.Invalid, "output.parameters[%d] of its answer is not a map", len(out))
		}
		out = append(out, set)
	}
	return out, nil
}

// excerpt is the beginning of what somebody said, on one line.
func excerpt(body string) string {
	const most = 200
	text := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(body[:min(len(body), 4*most)], ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
