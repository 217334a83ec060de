package main

import (
	"os"

	"golang.org/x/term"
)

// colorful reports whether f is a terminal whose user did not switch colours
// off (https://no-color.org).
func colorful(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// columns is the width of the terminal that f is; 0 where it is none that
// lines can be drawn over on.
func columns(f *os.File) int {
	if os.Getenv("TERM") == "dumb" || os.Getenv("CI") != "" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// palette wraps text in terminal colours, or leaves it alone.
type palette bool

func (p palette) paint(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) red(text string) string    { return p.paint("31", text) }
func (p palette) green(text string) string  { return p.paint("32", text) }
func (p palette) yellow(text string) string { return p.paint("33", text) }
func (p palette) dim(text string) string    { return p.paint("2", text) }
func (p palette) bold(text string) string   { return p.paint("1", text) }
