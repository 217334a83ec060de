package place

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Error is an error and its place in the document, as
// generators[1].git.files[0].path.
type Error struct {
	Place string
	Err   error
}

// Error implements error.
func (e *Error) Error() string { return e.Place + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// At says where in the generator that runs an error has its cause, as
// files[2].path: the generator's own place is put before it by who called it.
func At(place string, err error) error {
	var all Problems
	all.Add(place, err)
	return all.Err()
}

// Problems collects errors under their places, each once.
type Problems struct {
	errs []error
	seen map[[sha256.Size]byte]bool
	more int
}

// maxProblems bounds what one expansion reports: the rest is counted.
const maxProblems = 50

// Add takes an error, and all that are joined in it; nil is none.
func (p *Problems) Add(place string, err error) {
	if err == nil {
		return
	}
	switch e := err.(type) { //nolint:errorlint // only the error itself, not one that it holds
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			p.Add(place, each)
		}
		return
	case *Error:
		place, err = Join(place, e.Place), e.Err
	}
	if place != "" {
		err = &Error{place, err}
	}
	text := sha256.Sum256([]byte(err.Error())) // errors may quote long templates
	if p.seen[text] {
		return
	}
	if p.seen == nil {
		p.seen = map[[sha256.Size]byte]bool{}
	}
	p.seen[text] = true
	if len(p.errs) == maxProblems {
		p.more++
		return
	}
	p.errs = append(p.errs, err)
}

// About takes the errors that one of several things has at the same place.
func (p *Problems) About(what string, err error) {
	var inner Problems
	inner.Add("", err)
	for _, e := range inner.errs {
		if where, ok := e.(*Error); ok { //nolint:errorlint // only the error itself
			p.Add(where.Place, Subject(what, where.Err))
			continue
		}
		p.Add("", Subject(what, e))
	}
}

// Subject puts what an error is about before it.
func Subject(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Err joins them all; nil where there are none.
func (p *Problems) Err() error {
	all := p.errs
	if p.more > 0 {
		all = append(all[:len(all):len(all)], fault.Wrap(fault.Of(p.errs[0]), fmt.Errorf("and %d more", p.more)))
	}
	return errors.Join(all...)
}

// Join puts one place into another.
func Join(outer, inner string) string {
	if outer == "" || inner == "" || strings.HasPrefix(inner, "[") {
		return outer + inner
	}
	return outer + "." + inner
}
