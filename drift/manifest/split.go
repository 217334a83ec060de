package manifest

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// document is one document and the line it starts at, from 1.
type document struct {
	line int
	text []byte
	json bool
	// words are shared by the documents of an input.
	words words
}

// split cuts the input into documents, without copying it: a separator on the
// line of a document's content is blanked in place.
func split(data []byte) []document {
	if docs, ok := splitJSON(data); ok {
		return docs
	}
	var docs []document
	start, line, first := 0, 1, 1
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		switch {
		case separates(data[at:end], "---"):
			docs = append(docs, document{line: first, text: data[start:at:at]})
			copy(data[at:], "   ") // what follows on the line belongs to the document
			start, first = at, line
		case separates(data[at:end], "..."):
			docs = append(docs, document{line: first, text: data[start:at:at]})
			copy(data[at:], "   ")
			start, first = at, line
		}
		at = end
	}
	return append(docs, document{line: first, text: data[start:]})
}

func separates(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// splitJSON takes JSON values one after the other. A YAML document may start
// with a brace too: then this is not JSON.
func splitJSON(data []byte) ([]document, bool) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return nil, false
	}
	var docs []document
	dec := stdjson.NewDecoder(bytes.NewReader(data))
	for line, counted := 1, 0; ; {
		var raw stdjson.RawMessage
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return docs, true
		case err != nil:
			return nil, false
		}
		start := int(dec.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:start], []byte("\n"))
		counted = start
		docs = append(docs, document{line: line, text: raw, json: true})
	}
}

// blank reports a document that holds nothing but comments and directives.
func (d document) blank() bool {
	for line := range bytes.Lines(d.text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// firstLine is the line of the document's first content.
func (d document) firstLine() int {
	line := d.line
	for text := range bytes.Lines(d.text) {
		if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' {
			break
		}
		line++
	}
	return line
}

// plain takes the byte order mark off, which editors of another system write,
// and turns UTF-16, which they write as well, into UTF-8. A line is the first
// one that is neither.
func plain(data []byte) (text []byte, line int) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	big := bytes.HasPrefix(data, []byte("\xfe\xff"))
	if big || bytes.HasPrefix(data, []byte("\xff\xfe")) {
		data = fromUTF16(data[2:], big)
	}
	if utf8.Valid(data) {
		return data, 0
	}
	line = 1
	for text := range bytes.Lines(data) {
		if !utf8.Valid(text) {
			break
		}
		line++
	}
	return nil, line
}

func fromUTF16(data []byte, big bool) []byte {
	units := make([]uint16, 0, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		a, b := data[i], data[i+1]
		if big {
			a, b = b, a
		}
		units = append(units, uint16(a)|uint16(b)<<8)
	}
	return []byte(string(utf16.Decode(units)))
}
