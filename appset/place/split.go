package place

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

// Split takes apart an error that Problems joined, in the order of the document.
func Split(err error) []Problem {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Problem
		for _, e := range joined.Unwrap() {
			out = append(out, Split(e)...)
		}
		return out
	}
	if p, ok := err.(*Error); ok { //nolint:errorlint // only the error itself
		return []Problem{{p.Place, p.Err}}
	}
	if inner := errors.Unwrap(err); inner != nil && strings.HasSuffix(err.Error(), inner.Error()) {
		if parts := Split(inner); len(parts) > 1 || parts[0].Place != "" {
			return parts
		}
	}
	return []Problem{{"", err}}
}
