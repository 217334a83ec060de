package agent_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/rest"
)

// tap stands between an agent and an API server: it counts what objects are
// read, and breaks what it is told to.
type tap struct {
	mu    sync.Mutex
	reads map[string]int // of single objects, by path
	// refuse answers a request in the server's place; nil lets it pass.
	refuse  func(req *http.Request) *http.Response
	streams map[io.Closer]bool
	// deaf has events of watches swallowed, and swallowed counts them.
	deaf      atomic.Bool
	swallowed atomic.Int64
}

// on is a config whose requests go through the tap.
func (t *tap) on(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return tapped{t, next} })
	return config
}

// readsOf counts reads of the objects whose path holds part.
func (t *tap) readsOf(part string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for path, count := range t.reads {
		if strings.Contains(path+"/", part) {
			n += count
		}
	}
	return n
}

func (t *tap) setRefuse(refuse func(req *http.Request) *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refuse = refuse
}

// hangUp ends all watches of tracked objects; they begin again.
func (t *tap) hangUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.streams {
		_ = s.Close()
	}
	t.streams = nil
}

// refusal is a Status of an API server.
func refusal(req *http.Request, code int, reason string) *http.Response {
	text := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the test says no","reason":%q,"code":%d}`, reason, code)
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
	}
}

type tapped struct {
	*tap
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t tapped) RoundTrip(req *http.Request) (*http.Response, error) {
	watch := req.URL.Query().Get("watch") != ""
	t.mu.Lock()
	if req.Method == http.MethodGet && !watch && !strings.Contains(req.URL.Path, "trueup.dev") {
		if t.reads == nil {
			t.reads = map[string]int{}
		}
		t.reads[req.URL.Path]++
	}
	refuse := t.refuse
	t.mu.Unlock()
	if refuse != nil {
		if resp := refuse(req); resp != nil {
			return resp, nil
		}
	}
	resp, err := t.next.RoundTrip(req)
	if err == nil && watch && strings.Contains(req.URL.RawQuery, "managed") {
		t.mu.Lock()
		if t.streams == nil {
			t.streams = map[io.Closer]bool{}
		}
		t.streams[resp.Body] = true
		t.mu.Unlock()
		resp.Body = &deafBody{ReadCloser: resp.Body, tap: t.tap, framed: strings.Contains(resp.Header.Get("Content-Type"), "protobuf")}
	}
	return resp, err
}

// deafBody passes the events of a watch on whole, or not at all while the tap
// is deaf.
type deafBody struct {
	io.ReadCloser
	tap    *tap
	framed bool // each event has its length before it; otherwise it is a line
	line   []byte
	ready  []byte
}

// Read implements io.Reader.
func (b *deafBody) Read(into []byte) (int, error) {
	for len(b.ready) == 0 {
		event, err := b.event()
		if err != nil {
			return 0, err
		}
		if b.tap.deaf.Load() {
			b.tap.swallowed.Add(1)
			continue
		}
		b.ready = event
	}
	n := copy(into, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

func (b *deafBody) event() ([]byte, error) {
	if b.framed {
		head := make([]byte, 4)
		if _, err := io.ReadFull(b.ReadCloser, head); err != nil {
			return nil, err
		}
		event := make([]byte, 4+binary.BigEndian.Uint32(head))
		copy(event, head)
		_, err := io.ReadFull(b.ReadCloser, event[4:])
		return event, err
	}
	for {
		if line, rest, ok := strings.Cut(string(b.line), "\n"); ok {
			b.line = []byte(rest)
			return []byte(line + "\n"), nil
		}
		chunk := make([]byte, 32<<10)
		n, err := b.ReadCloser.Read(chunk)
		b.line = append(b.line, chunk[:n]...)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}
