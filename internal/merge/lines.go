package merge

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// maxLines bounds the texts that are merged line by line: finding what they
// have in common may take the square of it.
const maxLines = 5000

// Lines merges what two sides made of a text. False is that both changed the
// same lines, or that it is no text.
func Lines(base, ours, theirs []byte) ([]byte, bool) {
	for _, data := range [][]byte{base, ours, theirs} {
		if bytes.IndexByte(data, 0) >= 0 {
			return nil, false
		}
	}
	b, o, t := split(base), split(ours), split(theirs)
	if len(b)+len(o)+len(t) > maxLines {
		return nil, false
	}
	a := edits(b, o)
	c := edits(b, t)
	var out []string
	at := 0
	for len(a) > 0 || len(c) > 0 {
		// A run of edits that touch each other, of either side.
		start, end := next(a, c)
		out = append(out, b[at:start]...)
		var mine, yours []edit
		for grown := true; grown; {
			grown = false
			for len(a) > 0 && touches(a[0], start, end) {
				end = max(end, a[0].end)
				mine, a, grown = append(mine, a[0]), a[1:], true
			}
			for len(c) > 0 && touches(c[0], start, end) {
				end = max(end, c[0].end)
				yours, c, grown = append(yours, c[0]), c[1:], true
			}
		}
		x, y := apply(b, start, end, mine), apply(b, start, end, yours)
		switch {
		case len(yours) == 0, slices.Equal(x, y):
			out = append(out, x...)
		case len(mine) == 0:
			out = append(out, y...)
		default:
			return nil, false
		}
		at = end
	}
	out = append(out, b[at:]...)
	return []byte(strings.Join(out, "")), true
}

// split keeps the ends of lines.
func split(text []byte) []string {
	if len(text) == 0 {
		return nil
	}
	lines := strings.SplitAfter(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// edit replaces the lines from start to end of the base.
type edit struct {
	start, end int
	with       []string
}

func edits(base, side []string) []edit {
	matcher := difflib.NewMatcherWithJunk(base, side, false, nil)
	var out []edit
	for _, op := range matcher.GetOpCodes() {
		if op.Tag != 'e' {
			out = append(out, edit{op.I1, op.I2, side[op.J1:op.J2]})
		}
	}
	return out
}

// next is where the first edit of either side is.
func next(a, b []edit) (start, end int) {
	if len(b) == 0 || len(a) > 0 && a[0].start <= b[0].start {
		return a[0].start, a[0].end
	}
	return b[0].start, b[0].end
}

// touches reports an edit that overlaps a stretch of lines or is next to it:
// Git as well takes edits of neighbouring lines for a conflict.
func touches(e edit, start, end int) bool { return e.start <= end && e.end >= start }

func apply(base []string, start, end int, all []edit) []string {
	var out []string
	at := start
	for _, e := range all {
		out = append(out, base[at:e.start]...)
		out = append(out, e.with...)
		at = e.end
	}
	return append(out, base[at:end]...)
}
