package place

import (
	"crypto/sha256"
	"fmt"
)

// Groups collects the errors that many things have, numbered from 0, so that
// one mistake in a template which all of them meet is told once and leaves room
// for others.
type Groups struct {
	all   []*group
	known map[[sha256.Size]byte]*group
	more  int
}

type group struct {
	err          error
	first, count int
}

// Add takes the errors of one thing.
func (g *Groups) Add(number int, err error) {
	var one Problems
	one.Add("", err)
	for _, err := range one.errs {
		text := sha256.Sum256([]byte(err.Error()))
		if known := g.known[text]; known != nil {
			known.count++
			continue
		}
		if len(g.all) == maxProblems {
			g.more++
			continue
		}
		if g.known == nil {
			g.known = map[[sha256.Size]byte]*group{}
		}
		next := &group{err, number, 1}
		g.known[text] = next
		g.all = append(g.all, next)
	}
}

// Into tells each error once, and of what it is.
func (g *Groups) Into(p *Problems, thing, of string) {
	for _, one := range g.all {
		what := fmt.Sprintf("%s %d of %s", thing, one.first, of)
		if one.count > 1 {
			what = fmt.Sprintf("%d %ss of %s, the first of them %d", one.count, thing, of, one.first)
		}
		p.About(what, one.err)
	}
	p.more += g.more
}
