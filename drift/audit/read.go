package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Count says what became of the events that were read.
type Count struct {
	// Writes were handed on; Other changed nothing; Broken could not be read.
	Writes, Other, Broken int
}

// Read reads an EventList and hands each write to take. An item of another
// shape is counted as broken, and the rest is read. Where the document as a
// whole is malformed, a fault.Invalid says so; what came before has been
// handed on, which does no harm when it comes again.
func Read(r io.Reader, take func(Event)) (Count, error) {
	var n Count
	dec := json.NewDecoder(r)
	if err := enter(dec, '{'); err != nil {
		return n, err
	}
	found := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return n, malformed(err)
		}
		if name != "items" || found {
			if err := skip(dec, name); err != nil {
				return n, err
			}
			continue
		}
		found = true
		if err := items(dec, &n, take); err != nil {
			return n, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return n, malformed(err)
	}
	if !found {
		return n, fault.New(fault.Invalid, "this is no EventList of audit.k8s.io/v1: it has no items")
	}
	return n, nil
}

// skip leaves out a field, but holds kind and apiVersion to what they must be.
func skip(dec *json.Decoder, name json.Token) error {
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil {
		return malformed(err)
	}
	want := map[json.Token]string{"kind": "EventList", "apiVersion": "audit.k8s.io/v1"}[name]
	if want != "" && string(value) != `"`+want+`"` {
		return fault.New(fault.Invalid, "this is no EventList of audit.k8s.io/v1: its %s is another", name)
	}
	return nil
}

func items(dec *json.Decoder, n *Count, take func(Event)) error {
	token, err := dec.Token()
	if err != nil {
		return malformed(err)
	}
	if token == nil {
		return nil // a list of none
	}
	if token != json.Delim('[') {
		return fault.New(fault.Invalid, "items is no list")
	}
	for dec.More() {
		var raw rawEvent
		var shape *json.UnmarshalTypeError
		switch err := dec.Decode(&raw); {
		case err == nil:
			n.take(&raw, take)
		case errors.As(err, &shape):
			n.Broken++ // the decoder goes on behind it
		default:
			return malformed(err)
		}
	}
	_, err = dec.Token()
	return malformed(err)
}

func enter(dec *json.Decoder, delim json.Delim) error {
	token, err := dec.Token()
	if err != nil {
		return malformed(err)
	}
	if token != delim {
		return fault.New(fault.Invalid, "this is no EventList of audit.k8s.io/v1")
	}
	return nil
}

// malformed does not quote what was read: it may hold what is in Secrets.
func malformed(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fault.New(fault.Invalid, "read an EventList: it is no valid JSON at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "read an EventList: it ends too early")
	}
	return fmt.Errorf("read an EventList: %w", err)
}

func (n *Count) take(raw *rawEvent, take func(Event)) {
	switch e, ok, err := raw.event(); {
	case err != nil:
		n.Broken++
	case !ok:
		n.Other++
	default:
		n.Writes++
		take(e)
	}
}

// maxLine bounds one line of a log. The API server writes requests and
// responses of a few megabytes at most.
const maxLine = 16 << 20

// ReadLines reads a log as the API server's log backend writes it: one event
// as JSON on each line; gzip is seen by its first bytes. A line that cannot be
// read is counted as broken. A file of any size takes the memory of a line.
func ReadLines(r io.Reader, take func(Event)) (Count, error) {
	var n Count
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, err := in.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			return n, fmt.Errorf("read a compressed audit log: %w", err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
	}
	var line []byte
	for {
		var err error
		var whole bool
		line, whole, err = next(in, line[:0])
		if text := bytes.TrimSpace(line); len(text) > 0 || !whole {
			var raw rawEvent
			if !whole || json.Unmarshal(text, &raw) != nil {
				n.Broken++
			} else {
				n.take(&raw, take)
			}
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("read an audit log: %w", err)
		}
	}
}

// next appends the next line to buf; whole is false for one that is too long,
// whose rest is skipped.
func next(in *bufio.Reader, buf []byte) (line []byte, whole bool, err error) {
	whole = true
	for {
		part, err := in.ReadSlice('\n')
		if whole = whole && len(buf)+len(part) <= maxLine; whole {
			buf = append(buf, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, whole, err
		}
	}
}
