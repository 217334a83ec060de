package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// HTTP is a client for libraries, with all that this package does. A status
// that is no success reaches them as an error: see Cause.
func (s *Session) HTTP() *http.Client {
	return &http.Client{Transport: roundTripper{s}, CheckRedirect: s.redirect}
}

// redirect follows within the host only: another one would get our questions,
// and its answers would count as the forge's.
func (s *Session) redirect(to *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return fault.New(fault.Transient, "the server redirects again and again")
	}
	if !s.own(to.URL) {
		return fault.New(fault.Denied, "the server redirects to %s, which is not followed", to.URL.Host)
	}
	if to.Method != via[0].Method {
		return fault.New(fault.Invalid, "the server redirects to %s and would forget what was sent: name the repository as it is called now", place(to.URL))
	}
	return nil
}

// own tells whether a URL is of the server: its host, and not less secret.
func (s *Session) own(u *url.URL) bool {
	return u.Host == s.base.Host && (u.Scheme == s.base.Scheme || u.Scheme == "https") ||
		u.Hostname() == s.base.Hostname() && s.base.Scheme == "http" && u.Scheme == "https"
}

type roundTripper struct{ session *Session }

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	s := r.session
	resp, result, err := s.roundTrip(req)
	s.client.options.Observe(Observation{Forge: s.server.Forge, Host: s.base.Host, Result: result, Remaining: s.client.limits.least(s.base.Host)})
	return resp, err
}

// roundTrip answers with a body that is complete, in memory, and JSON.
func (s *Session) roundTrip(req *http.Request) (*http.Response, string, error) {
	if !s.own(req.URL) {
		return nil, "denied", s.fail(req, 0, fault.New(fault.Denied, "it is not on %s", s.base.Host))
	}
	if at, wait := s.client.limits.until(s.who); wait {
		return nil, "limited", s.fail(req, 0, fault.Later(at, fmt.Errorf("the rate limit is used up until %s", at.UTC().Format(time.RFC3339))))
	}
	ctx, cancel := context.WithTimeout(req.Context(), s.client.options.Timeout)
	defer cancel()
	outer := req.Context()
	req = req.Clone(ctx)
	if s.server.Header != "" && s.server.Value != "" {
		req.Header.Set(s.server.Header, s.server.Value)
	}
	req.Header.Set("User-Agent", "trueup")
	key := s.key(req)
	kept, held := s.client.answers.get(key)
	if held && req.Method == http.MethodGet {
		req.Header.Set("If-None-Match", kept.etag)
	}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		return nil, "failed", s.fail(req, 0, unreachable(outer, err, s.client.options.Timeout))
	}
	body, err := read(resp, s.client.options.MaxBody)
	if err != nil {
		if fault.Of(err) != fault.Invalid {
			err = unreachable(outer, err, s.client.options.Timeout)
		}
		return nil, "failed", s.fail(req, resp.StatusCode, err)
	}
	said := message(body)
	until := s.client.limits.saw(s.who, s.base.Host, resp.StatusCode, resp.Header, said)
	switch {
	case held && resp.StatusCode == http.StatusNotModified:
		return restored(resp, kept), "unchanged", nil
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		how, err := s.succeeded(resp, body, key)
		if err != nil {
			return nil, how, s.fail(req, resp.StatusCode, err)
		}
		return withBody(resp, body), how, nil
	case resp.Header.Get("Location") != "" && resp.StatusCode < 400:
		return withBody(resp, nil), "ok", nil // for redirect to decide
	}
	return nil, result(resp.StatusCode, until), s.fail(req, resp.StatusCode, refusal(resp.StatusCode, said, until))
}

// succeeded checks an answer that the server takes for good, and keeps it
// where it can be asked for with a condition.
func (s *Session) succeeded(resp *http.Response, body []byte, key [sha256.Size]byte) (result string, err error) {
	switch {
	case resp.Request.Method != http.MethodGet && len(bytes.TrimSpace(body)) == 0:
		return "ok", nil // what was sent is taken, and there is nothing to say
	case resp.StatusCode == http.StatusNoContent:
		return "missing", fault.New(fault.Missing, "204 No Content")
	case isJSON(body):
	case resp.StatusCode == http.StatusNonAuthoritativeInfo: // how Azure DevOps asks to sign in
		return "denied", fault.New(fault.Denied, "the server asks to sign in")
	default:
		return "failed", fault.New(fault.Transient, "the answer is not complete JSON")
	}
	if etag := resp.Header.Get("ETag"); etag != "" && resp.Request.Method == http.MethodGet && resp.StatusCode == http.StatusOK {
		s.client.answers.put(answer{key: key, etag: etag, header: paging(resp.Header), body: body})
	}
	return "ok", nil
}

// restored is an answer that did not change since it was kept.
func restored(resp *http.Response, kept answer) *http.Response {
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	for name, values := range kept.header {
		if len(resp.Header[name]) == 0 {
			resp.Header[name] = values
		}
	}
	return withBody(resp, kept.body)
}

func result(status int, until time.Time) string {
	switch fault.Of(refusal(status, "", time.Time{})) {
	case fault.Missing:
		return "missing"
	case fault.Invalid:
		return "invalid"
	case fault.Denied:
		if until.IsZero() {
			return "denied"
		}
	case fault.Transient, fault.Conflict:
	}
	if !until.IsZero() {
		return "limited"
	}
	return "failed"
}

// key is of the question and of who asks it.
func (s *Session) key(req *http.Request) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%x\x00%s\x00%s\x00%s", s.who, req.Method, req.URL, req.Header.Get("Accept")))
}

// paging are the headers that say where the next page is.
func paging(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range []string{"Link", "Content-Type", "X-Next-Page", "X-Page", "X-Prev-Page", "X-Per-Page", "X-Total", "X-Total-Pages", "X-Total-Count", "X-Ms-Continuationtoken"} {
		if values := h.Values(name); len(values) > 0 {
			out[http.CanonicalHeaderKey(name)] = values
		}
	}
	return out
}

func read(resp *http.Response, most int64) ([]byte, error) {
	defer resp.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > most {
		return nil, fault.New(fault.Invalid, "the answer is larger than %d bytes", most)
	}
	return body, nil
}

func withBody(resp *http.Response, body []byte) *http.Response {
	resp.Body, resp.ContentLength, resp.Uncompressed = io.NopCloser(bytes.NewReader(body)), int64(len(body)), true
	return resp
}

// isJSON takes objects and lists: null would be an empty list to a decoder.
func isJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '{' || body[0] == '[') && json.Valid(body)
}
