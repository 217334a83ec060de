package appset

import (
	"errors"
	"strings"
)

// Problem is one thing that is wrong with a set.
type Problem struct {
	// Place is in the set's spec, as generators[0].list.elements[1]; empty is
	// the set as a whole.
	Place string
	Err   error
}

// Problems takes apart an error of Generate, in the order of the document.
func Problems(err error) []Problem {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Problem
		for _, e := range joined.Unwrap() {
			out = append(out, Problems(e)...)
		}
		return out
	}
	if p, ok := err.(*placed); ok { //nolint:errorlint // only the error itself
		return []Problem{{p.place, p.err}}
	}
	if inner := errors.Unwrap(err); inner != nil && strings.HasSuffix(err.Error(), inner.Error()) {
		if parts := Problems(inner); len(parts) > 1 || parts[0].Place != "" {
			return parts
		}
	}
	return []Problem{{"", err}}
}
