package appset

import (
	"errors"
	"fmt"
	"strings"

	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// placed is an error and its place in the document.
type placed struct {
	place string
	err   error
}

func (p *placed) Error() string { return p.place + ": " + p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

// at says where in the generator that runs an error has its cause, as
// files[2].path: the generator's own place is put before it by who called it.
func at(place string, err error) error {
	var all problems
	all.add(place, err)
	return all.err()
}

// problems collects errors under their places, each once.
type problems struct {
	errs []error
	seen map[string]bool
	more int
}

// maxProblems bounds what one expansion reports: the rest is counted.
const maxProblems = 50

// add takes an error, and all that are joined in it; nil is none.
func (p *problems) add(place string, err error) {
	if err == nil {
		return
	}
	switch e := err.(type) { //nolint:errorlint // only the error itself, not one that it holds
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			p.add(place, each)
		}
		return
	case *placed:
		place, err = join(place, e.place), e.err
	case *text.Failure:
		place, err = join(place, e.Place), e.Err
	}
	if place != "" {
		err = &placed{place, err}
	}
	if p.seen[err.Error()] {
		return
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[err.Error()] = true
	if len(p.errs) == maxProblems {
		p.more++
		return
	}
	p.errs = append(p.errs, err)
}

// about takes the errors that one of several things has at the same place.
func (p *problems) about(what string, err error) {
	var inner problems
	inner.add("", err)
	for _, e := range inner.errs {
		if where, ok := e.(*placed); ok { //nolint:errorlint // only the error itself
			p.add(where.place, subject(what, where.err))
			continue
		}
		p.add("", subject(what, e))
	}
}

// subject puts what an error is about before it.
func subject(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (p *problems) err() error {
	all := p.errs
	if p.more > 0 {
		all = append(all[:len(all):len(all)], fault.Wrap(fault.Of(p.errs[0]), fmt.Errorf("and %d more", p.more)))
	}
	return errors.Join(all...)
}

// join puts one place into another.
func join(outer, inner string) string {
	if outer == "" || inner == "" || strings.HasPrefix(inner, "[") {
		return outer + inner
	}
	return outer + "." + inner
}
