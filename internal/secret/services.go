package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// services reaches Vault and the clouds.
type services struct {
	client   *http.Client
	ambient  bool
	getenv   func(string) string
	readFile func(string) ([]byte, error)
	now      func() time.Time
}

func newServices(o Options) *services {
	s := &services{
		// A redirect would carry a credential to another server.
		client: &http.Client{Transport: o.Transport, Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		ambient: o.Ambient, getenv: o.Getenv, readFile: o.ReadFile, now: o.Now,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.getenv == nil || s.readFile == nil {
		s.ambient = false
	}
	return s
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// do sends a request. Its error names the server and the status, never what
// was sent nor what came back.
func (s *services) do(req *http.Request) ([]byte, error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Transient, fmt.Errorf("ask %s: %w", req.URL.Host, cause(err)))
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fault.Wrap(fault.Transient, fmt.Errorf("ask %s: %w", req.URL.Host, err))
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	kind := fault.Transient
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		kind = fault.Denied
	case resp.StatusCode < http.StatusInternalServerError && resp.StatusCode != http.StatusTooManyRequests:
		kind = fault.Invalid
	}
	return nil, fault.New(kind, "%s answers %s", req.URL.Host, resp.Status)
}

// cause leaves the URL out, which may hold what is nobody's business.
func cause(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client returns it unwrapped
		return u.Err
	}
	return err
}

// post sends JSON and reads JSON.
func (s *services) post(ctx context.Context, to string, header http.Header, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "the key names no server that can be asked")
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	return s.decode(req, out)
}

// form sends a form and reads JSON.
func (s *services) form(ctx context.Context, to string, in url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(in.Encode()))
	if err != nil {
		return fault.New(fault.Invalid, "there is no server to log in at")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.decode(req, out)
}

func (s *services) decode(req *http.Request, out any) error {
	data, err := s.do(req)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, out) != nil { // its error would quote the answer
		return fault.New(fault.Transient, "%s answers with what is not expected", req.URL.Host)
	}
	return nil
}

// bearer authorizes a request by a token.
func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

// dataKey decodes what a service says a data key is.
func dataKey(encoding *base64.Encoding, text string) ([]byte, error) {
	key, err := encoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, fault.New(fault.Transient, "the answer holds no data key")
	}
	return key, nil
}

// first tries logins in turn: the first one that the other side accepts.
func first[L any](logins []L, try func(L) ([]byte, error)) ([]byte, error) {
	err := errNoKey
	for _, l := range logins {
		key, failed := try(l)
		if failed == nil {
			return key, nil
		}
		err = failed
	}
	return nil, err
}
