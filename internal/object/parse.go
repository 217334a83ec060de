package object

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ParsePath reads what Path.String prints. Keys that read as a number or a
// boolean become one, as json.Unmarshal has it.
func ParsePath(text string) (Path, error) {
	var out Path
	for rest := text; rest != ""; {
		var s Step
		var err error
		if rest[0] == '[' {
			s, rest, err = parseBracket(rest[1:])
		} else {
			if len(out) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("read the path %q: %q follows a bracket", text, rest)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			s.Field, rest = rest[:end], rest[end:]
			if s.Field == "" {
				err = fmt.Errorf("a field has no name")
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read the path %q: %w", text, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// parseBracket reads an index, a quoted field or keys, up to the bracket that
// closes them.
func parseBracket(text string) (Step, string, error) {
	if strings.HasPrefix(text, `"`) {
		field, rest, err := parseWord(text)
		if err == nil && !strings.HasPrefix(rest, "]") {
			err = fmt.Errorf("a bracket is not closed")
		}
		if err != nil {
			return Step{}, "", err
		}
		return Step{Field: field.(string)}, rest[1:], nil
	}
	if end := strings.IndexByte(text, ']'); end > 0 {
		if i, err := strconv.Atoi(text[:end]); err == nil && i >= 0 {
			return Step{Index: &i}, text[end+1:], nil
		}
	}
	var s Step
	for {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return Step{}, "", fmt.Errorf("%q is neither an index nor a key", text)
		}
		value, rest, err := parseWord(rest)
		if err != nil {
			return Step{}, "", err
		}
		s.Keys = append(s.Keys, KeyValue{name, value})
		switch {
		case strings.HasPrefix(rest, ","):
			text = rest[1:]
		case strings.HasPrefix(rest, "]"):
			return s, rest[1:], nil
		default:
			return Step{}, "", fmt.Errorf("a bracket is not closed")
		}
	}
}

// parseWord reads a value up to a comma or a closing bracket.
func parseWord(text string) (value any, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, "", fmt.Errorf("a quote is not closed")
		}
		word, err := strconv.Unquote(prefix)
		return word, text[len(prefix):], err
	}
	end := strings.IndexAny(text, ",]")
	if end < 0 {
		return nil, "", fmt.Errorf("a bracket is not closed")
	}
	word := text[:end]
	if err := json.Unmarshal([]byte(word), &value); err != nil {
		value = word
	}
	return value, text[end:], nil
}
