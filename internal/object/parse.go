package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParsePath reads a path as Path.String prints it. The value of a key is a
// number or a boolean where it reads like one and is not quoted: as text it
// would print the same.
func ParsePath(text string) (Path, error) {
	var out Path
	for rest := text; rest != ""; {
		var step Step
		var err error
		if rest[0] == '[' {
			if step, rest, err = parseBracket(rest[1:]); err != nil {
				return nil, fmt.Errorf("path %q: %w", text, err)
			}
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			step, rest = Step{Field: rest[:end]}, rest[end:]
			if step.Field == "" || strings.ContainsAny(step.Field, "]\"= \t\n\\") {
				return nil, fmt.Errorf("path %q: %q is no field; a key with dots is written [\"like.this/key\"]", text, step.Field)
			}
		}
		out = append(out, step)
		if after, ok := strings.CutPrefix(rest, "."); ok {
			if rest = after; rest == "" || rest[0] == '[' || rest[0] == '.' {
				return nil, fmt.Errorf("path %q: a dot is followed by a field", text)
			}
		}
	}
	return out, nil
}

var errBracket = errors.New("a bracket is not closed")

// parseBracket reads what follows an opening bracket, and the closing one.
func parseBracket(text string) (Step, string, error) {
	var step Step
	for {
		name, rest, quoted, err := parseWord(text)
		if err != nil || rest == "" {
			return step, "", errors.Join(err, errBracket)
		}
		switch end := rest[0]; {
		case end == '=':
			value, after, quotedValue, err := parseWord(rest[1:])
			if err != nil || after == "" || after[0] == '=' {
				return step, "", errors.Join(err, errBracket)
			}
			step.Keys = append(step.Keys, KeyValue{name, keyValue(value, quotedValue)})
			if text = after[1:]; after[0] == ']' {
				return step, text, nil
			}
		case end == ']' && quoted && len(step.Keys) == 0:
			return Step{Field: name}, rest[1:], nil
		case end == ']' && len(step.Keys) == 0:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 {
				return step, "", fmt.Errorf("[%s] is neither an index, a key=value nor a quoted key", name)
			}
			return Step{Index: &i}, rest[1:], nil
		default:
			return step, "", fmt.Errorf("%q is neither an index, a key=value nor a quoted key", name)
		}
	}
}

func parseWord(text string) (word, rest string, quoted bool, err error) {
	if strings.HasPrefix(text, `"`) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", "", true, errors.New("a quote is not closed")
		}
		word, err := strconv.Unquote(prefix)
		return word, text[len(prefix):], true, err
	}
	end := strings.IndexAny(text, "=,]")
	if end < 0 {
		return text, "", false, nil
	}
	return text[:end], text[end:], false, nil
}

func keyValue(text string, quoted bool) any {
	if quoted {
		return text
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		switch v.(type) {
		case float64, bool:
			if keyText(v) == text {
				return v
			}
		}
	}
	return text
}
