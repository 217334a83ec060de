package wire

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// pktKind tells data from the lines of length 0 to 2, which mark the end of
// something.
type pktKind int

const (
	pktFlush pktKind = iota
	pktDelim
	pktResponseEnd
	pktData
)

// maxPkt is the longest line with its length.
const maxPkt = 65520

// pktReader reads the lines that conversations consist of.
type pktReader struct {
	from *bufio.Reader
	buf  []byte
}

func newPktReader(r io.Reader) *pktReader { return &pktReader{from: bufio.NewReaderSize(r, 64<<10)} }

// next returns a line, which is valid until the next one is read. A message
// of the server's that it gives up is an error.
func (p *pktReader) next() (pktKind, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.from, head[:]); err != nil {
		return 0, nil, err
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 32)
	if err != nil || n > maxPkt || n == 3 {
		return 0, nil, fmt.Errorf("the server does not speak Git's protocol: it sent %q where the length of a line belongs", head)
	}
	if n < 4 {
		return pktKind(n), nil, nil
	}
	if cap(p.buf) < int(n) {
		p.buf = make([]byte, maxPkt)
	}
	line := p.buf[:n-4]
	if _, err := io.ReadFull(p.from, line); err != nil {
		return 0, nil, unexpected(err)
	}
	if text, ok := strings.CutPrefix(string(line[:min(len(line), 300)]), "ERR "); ok {
		return 0, nil, serverError(strings.TrimSpace(text))
	}
	return pktData, line, nil
}

// text is like next, without the end of a line of text.
func (p *pktReader) text() (pktKind, string, error) {
	kind, line, err := p.next()
	return kind, strings.TrimSuffix(string(line), "\n"), err
}

func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // readers return it bare
		return io.ErrUnexpectedEOF
	}
	return err
}

// serverError gives what a server says its kind.
func serverError(text string) error {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "upload-pack: "), "receive-pack: ")
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "not our ref"), strings.Contains(lower, "not found"), strings.Contains(lower, "not exist"),
		strings.Contains(lower, "not appear to be a git repository"):
		return fault.New(fault.Missing, "the server says: %s", text)
	case strings.Contains(lower, "denied"), strings.Contains(lower, "not allowed"), strings.Contains(lower, "authenti"):
		return fault.New(fault.Denied, "the server says: %s", text)
	}
	return fmt.Errorf("the server says: %s", text)
}

// request is a message in the making.
type request struct{ strings.Builder }

func (r *request) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(r, "%04x%s\n", len(text)+5, text)
}

func (r *request) delim() { r.WriteString("0001") }
func (r *request) flush() { r.WriteString("0000") }

// sideband reads the pack out of lines that carry progress and errors too.
type sideband struct {
	from *pktReader
	rest []byte
	done bool
	// said, where it is set, keeps the beginning of what the server tells
	// people.
	said *firstWords
}

// Read implements io.Reader.
func (s *sideband) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.done {
			return 0, io.EOF
		}
		kind, line, err := s.from.next()
		if err != nil {
			return 0, unexpected(err)
		}
		if kind != pktData {
			s.done = true
			continue
		}
		if err := s.take(line); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *sideband) take(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	switch line[0] {
	case 1:
		s.rest = line[1:]
	case 2: // progress, and what hooks print
		if s.said != nil {
			_, _ = s.said.Write(line[1:])
		}
	case 3:
		return serverError(strings.TrimSpace(string(line[1:])))
	default:
		return fmt.Errorf("the server does not speak Git's protocol: channel %d", line[0])
	}
	return nil
}
