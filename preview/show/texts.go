package show

import (
	"slices"
	"sort"

	"github.com/pmezard/go-difflib/difflib"
)

// maxCompared bounds the lines that are compared each with each, in which the
// time may grow with the square. Longer texts are cut first, at lines that both
// have once.
const maxCompared = 2000

// texts compares two texts line by line.
func texts(path, before, after string) []Line {
	all := edits(linesOf(before), linesOf(after))
	shown := make([]bool, len(all))
	for i, l := range all {
		if l.Sign == ' ' {
			continue
		}
		for k := max(0, i-context); k <= min(len(all)-1, i+context); k++ {
			shown[k] = true
		}
	}
	out := []Line{line('@', path)}
	for i := 0; i < len(all); {
		if !shown[i] {
			i++
			continue
		}
		if i > 0 && !shown[i-1] && len(out) > 1 {
			out = append(out, line('@', path+", further down"))
		}
		if all[i].Sign == ' ' {
			out = append(out, line(' ', all[i].Text))
			i++
			continue
		}
		var gone, come []string
		for ; i < len(all) && all[i].Sign == '-'; i++ {
			gone = append(gone, all[i].Text)
		}
		for ; i < len(all) && all[i].Sign == '+'; i++ {
			come = append(come, all[i].Text)
		}
		out = append(out, changed("", gone, come)...)
	}
	return out
}

// edits are all lines of both texts: what stays, goes and comes.
func edits(a, b []string) []Line {
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []Line
	out = signed(out, ' ', a[:head])
	out = append(out, between(a[head:len(a)-tail], b[head:len(b)-tail])...)
	return signed(out, ' ', a[len(a)-tail:])
}

// between compares texts that begin and end differently.
func between(a, b []string) []Line {
	if len(a)+len(b) <= maxCompared {
		var out []Line
		for _, op := range difflib.NewMatcher(a, b).GetOpCodes() {
			if op.Tag == 'e' {
				out = signed(out, ' ', a[op.I1:op.I2])
				continue
			}
			out = signed(signed(out, '-', a[op.I1:op.I2]), '+', b[op.J1:op.J2])
		}
		return out
	}
	anchors := common(a, b)
	if len(anchors) == 0 {
		return signed(signed(nil, '-', a), '+', b)
	}
	var out []Line
	i, j := 0, 0
	for _, at := range anchors {
		out = append(append(out, edits(a[i:at[0]], b[j:at[1]])...), Line{' ', a[at[0]]})
		i, j = at[0]+1, at[1]+1
	}
	return append(out, edits(a[i:], b[j:])...)
}

// common are the places in both of lines that both have once: the most of them
// that are in the same order.
func common(a, b []string) [][2]int {
	type seen struct{ inA, inB, at int }
	lines := map[string]*seen{}
	for _, text := range a {
		if lines[text] == nil {
			lines[text] = &seen{}
		}
		lines[text].inA++
	}
	for j, text := range b {
		if s := lines[text]; s != nil {
			s.inB++
			s.at = j
		}
	}
	var pairs [][2]int
	before := []int{} // of each pair, the one before it in the longest chain; -1 is none
	ends := []int{}   // of chains, by length, the pair that ends lowest
	for i, text := range a {
		s := lines[text]
		if s.inA != 1 || s.inB != 1 {
			continue
		}
		n := sort.Search(len(ends), func(k int) bool { return pairs[ends[k]][1] >= s.at })
		pairs = append(pairs, [2]int{i, s.at})
		last := -1
		if n > 0 {
			last = ends[n-1]
		}
		before = append(before, last)
		if n == len(ends) {
			ends = append(ends, 0)
		}
		ends[n] = len(pairs) - 1
	}
	var out [][2]int
	if len(ends) > 0 {
		for k := ends[len(ends)-1]; k >= 0; k = before[k] {
			out = append(out, pairs[k])
		}
	}
	slices.Reverse(out)
	return out
}

func signed(out []Line, sign byte, texts []string) []Line {
	for _, text := range texts {
		out = append(out, Line{sign, text})
	}
	return out
}

// changed tells lines that go and lines that come in their place, each below a
// path where it has one. Of long ones it shows where they differ.
func changed(path string, gone, come []string) []Line {
	gone, come = slices.Clone(gone), slices.Clone(come)
	for i := range min(len(gone), len(come)) {
		if len(gone[i]) > maxLine || len(come[i]) > maxLine {
			gone[i], come[i] = differing(gone[i], come[i])
		}
	}
	var out []Line
	for _, text := range gone {
		out = append(out, line('-', path+text))
	}
	for _, text := range come {
		out = append(out, line('+', path+text))
	}
	return out
}

// differing leaves out what two texts begin and end with, but for some
// characters.
func differing(a, b string) (string, string) {
	const around = 60
	x, y := []rune(a), []rune(b)
	head := 0
	for head < min(len(x), len(y)) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < min(len(x), len(y))-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	head, tail = max(0, head-around), max(0, tail-around)
	cut := func(text []rune) string {
		out := string(text[head : len(text)-tail])
		if head > 0 {
			out = "…" + out
		}
		if tail > 0 {
			out += "…"
		}
		return out
	}
	return cut(x), cut(y)
}
