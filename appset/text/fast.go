package text

import (
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// touched tells whether a text has {{ and }} on one line: without them it is
// left alone, whatever else is in it.
func touched(s string) bool {
	for line := range strings.Lines(s) {
		if open := strings.Index(line, "{{"); open >= 0 && strings.Contains(line[open+2:], "}}") {
			return true
		}
	}
	return false
}

// fastText replaces {{ name }} by the parameter of that name, in one pass.
// What is no parameter, or not a text, stays as it is.
func fastText(s string, params map[string]any, used func(name string)) (string, error) {
	if !touched(s) {
		return s, nil
	}
	var b strings.Builder
	for left := s; ; {
		before, rest, open := strings.Cut(left, "{{")
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		tag, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", fault.New(fault.Invalid, "invalid template: %q: the last {{ is not closed", s)
		}
		name := strings.TrimSpace(tag)
		if value, ok := params[name].(string); ok && name != "" {
			used(name)
			b.WriteString(value)
		} else {
			b.WriteString("{{" + tag + "}}")
		}
		if b.Len() > maxText {
			return "", errTooLong
		}
		left = after
	}
}
