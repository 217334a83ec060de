package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// screen shows progress. On a terminal it redraws the lines that change in
// place; elsewhere it appends what is new, one line per change of state.
type screen struct {
	w io.Writer
	// live says that w is a terminal, of this many columns.
	live  bool
	width int

	drawn int // lines that a redraw replaces
	last  string
}

// show shows the state, and details below it that only a redraw can keep up
// with.
func (s *screen) show(state string, details []string) {
	if !s.live {
		if state != s.last {
			fmt.Fprintln(s.w, clock(), state)
			s.last = state
		}
		return
	}
	var b strings.Builder
	s.rewind(&b)
	lines := append([]string{clock() + " " + state}, details...)
	for _, line := range lines {
		b.WriteString(cut(line, s.width) + "\n")
	}
	s.drawn, s.last = len(lines), state
	_, _ = io.WriteString(s.w, b.String())
}

// keep leaves what is shown where it is: the next show goes below it.
func (s *screen) keep() {
	if s.drawn > 1 { // the details were true in passing only
		var b strings.Builder
		s.rewind(&b)
		b.WriteString(cut(clock()+" "+s.last, s.width) + "\n")
		_, _ = io.WriteString(s.w, b.String())
	}
	s.drawn = 0
}

// rewind goes back to the first line and clears all below.
func (s *screen) rewind(b *strings.Builder) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\x1b[J", s.drawn)
	}
}

// cut shortens a line to the columns there are: one that wraps would count
// as two.
func cut(line string, width int) string {
	line = strings.ReplaceAll(line, "\n", " ")
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:max(width-1, 0)]) + "…"
}
