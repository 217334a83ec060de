package blame

import (
	"bytes"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/trueup-dev/trueup/internal/fault"
)

// split cuts a file into lines without their ends.
func split(data []byte) [][]byte {
	data = bytes.TrimSuffix(data, []byte("\n"))
	if len(data) == 0 {
		return nil
	}
	return bytes.Split(data, []byte("\n"))
}

// Bounds on what two versions differ in between their common beginning and
// end: the product of the lines, which is time, and their sum, for each may
// need a rune of its own.
const (
	maxDifferent = 100_000_000
	maxLines     = 1_000_000
)

// follow tells where lines of a file are in its older version; 0 is nowhere.
func follow(now, old []byte, lines []int) ([]int, error) {
	a, b := split(old), split(now)
	head := 0
	for head < len(a) && head < len(b) && bytes.Equal(a[head], b[head]) {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
		tail++
	}
	out := make([]int, len(lines))
	var middle []int // of each line of b between head and tail, where it is in a
	for i, line := range lines {
		switch at := line - 1; {
		case at < head:
			out[i] = line
		case at >= len(b)-tail:
			out[i] = line + len(a) - len(b)
		default:
			if middle == nil {
				var err error
				if middle, err = matched(a[head:len(a)-tail], b[head:len(b)-tail]); err != nil {
					return nil, err
				}
			}
			if m := middle[at-head]; m >= 0 {
				out[i] = m + head + 1
			}
		}
	}
	return out, nil
}

// matched tells for each line of b where it is in a; -1 is nowhere.
func matched(a, b [][]byte) ([]int, error) {
	out := make([]int, len(b))
	if len(a) == 0 {
		for i := range out {
			out[i] = -1
		}
		return out, nil
	}
	if len(a)*len(b) > maxDifferent || len(a)+len(b) > maxLines {
		return nil, fault.New(fault.Invalid, "they differ too much: %d and %d lines in a row", len(a), len(b))
	}
	known := map[string]rune{}
	from, to := coded(a, known), coded(b, known)
	d := diffmatchpatch.New()
	d.DiffTimeout = time.Duration(0) // its shortcuts under a timeout make another result each time
	x, y := 0, 0
	for _, part := range d.DiffMainRunes(from, to, false) {
		for range part.Text { // one rune stands for a line
			switch part.Type {
			case diffmatchpatch.DiffEqual:
				out[y] = x
				x, y = x+1, y+1
			case diffmatchpatch.DiffDelete:
				x++
			case diffmatchpatch.DiffInsert:
				out[y] = -1
				y++
			}
		}
	}
	return out, nil
}

// coded stands a rune for each line, the same for equal ones.
func coded(lines [][]byte, known map[string]rune) []rune {
	const firstSurrogate, afterSurrogates = 0xD800, 0xE000
	out := make([]rune, len(lines))
	for i, line := range lines {
		r, ok := known[string(line)]
		if !ok {
			if r = rune(len(known) + 1); r >= firstSurrogate {
				r += afterSurrogates - firstSurrogate
			}
			known[string(line)] = r
		}
		out[i] = r
	}
	return out
}
