package kustomize

import (
	"bytes"
	"io"
)

// kustomize's library prints while it builds: notes about old fields to the
// process's standard error, and what it thinks of vars, with their values, to
// the logger of the standard library. Nothing can be injected there. Render
// warns about the former by itself; who owns the process leaves out both.

// note begins the lines that are printed.
const note = "# Warning: '"

// logged are parts of the messages that are logged.
func logged() [][]byte {
	return [][]byte{
		[]byte("MakePrimitiveReplacer: "), []byte("well-defined vars that were never replaced"),
	}
}

// Lines passes on what is written, without the lines that the library prints.
// What is no such line passes as soon as that is clear.
func Lines(to io.Writer) io.Writer { return &lines{to: to} }

type lines struct {
	to   io.Writer
	held []byte // the beginning of a line, as long as it may be a note's
	past bool   // the line is another one
}

func (l *lines) Write(p []byte) (int, error) {
	var out []byte
	for _, c := range p {
		switch {
		case l.past:
			out = append(out, c)
		case len(l.held) == len(note):
			// the rest of a note
		default:
			l.held = append(l.held, c)
			if c != note[len(l.held)-1] {
				out = append(out, l.held...)
				l.held, l.past = l.held[:0], true
			}
		}
		if c == '\n' {
			l.held, l.past = l.held[:0], false
		}
	}
	if len(out) == 0 {
		return len(p), nil
	}
	if _, err := l.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Messages passes on the messages of a logger, each of which is one write,
// without the library's.
func Messages(to io.Writer) io.Writer { return messages{to} }

type messages struct{ to io.Writer }

func (m messages) Write(p []byte) (int, error) {
	for _, part := range logged() {
		if bytes.Contains(p, part) {
			return len(p), nil
		}
	}
	return m.to.Write(p)
}
