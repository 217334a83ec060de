package found

import (
	"slices"
	"strconv"
	"strings"
)

// Source is where a document was found.
type Source struct {
	// File is the one of the repository that was searched; empty where none was.
	File string
	// By names the application that describes it; empty is none.
	By string
	// At is the file and line of a field; empty where that is not known.
	At func(field string) string
}

// Origin tells of it for people; what names a part of it.
func (s Source) Origin(field, what string) string {
	parts := slices.DeleteFunc([]string{s.At(field), what, s.By}, func(part string) bool { return part == "" })
	return strings.Join(parts, ", ")
}

// Says puts the file and line of a field before a text.
func (s Source) Says(field, text string) string { return Placed(s.At(field), text) }

// Placed puts a place before a text, where it is known.
func Placed(at, text string) string {
	if at != "" {
		return at + ": " + text
	}
	return text
}

// place takes the file and line off a text that Placed made; of another it is
// the text itself.
func place(text string) (string, int) {
	at, _, _ := strings.Cut(text, ": ")
	if i := strings.LastIndexByte(at, ':'); i > 0 {
		if line, err := strconv.Atoi(at[i+1:]); err == nil {
			return at[:i], line
		}
	}
	return text, 0
}
