package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Call is a request that changes something.
type Call struct {
	// Method is POST, PUT or PATCH.
	Method string
	// Body is sent as JSON.
	Body  any
	Query url.Values
	// Root begins the path at the host, not at the base.
	Root bool
}

// Send sends to a path below the base, and decodes the answer where into is
// not nil. An answer without a body is fine where nobody wants one. Nothing is
// sent twice: whoever calls knows whether that is harmless.
func (s *Session) Send(ctx context.Context, into any, call Call, segments ...string) error {
	body, err := json.Marshal(call.Body)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	at := s.at(call.Query, segments)
	if call.Root {
		root := *s
		base := *s.base
		base.Path, base.RawPath = "", ""
		root.base = &base
		at = root.at(call.Query, segments)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, at, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "%q is not a URL", at)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTP().Do(req)
	if err != nil {
		return s.outer(req, err)
	}
	defer resp.Body.Close() //nolint:errcheck // in memory
	if into == nil {
		return nil
	}
	switch err := json.NewDecoder(resp.Body).Decode(into); {
	case errors.Is(err, io.EOF):
		return s.fail(req, resp.StatusCode, fault.New(fault.Transient, "the answer is empty"))
	case err != nil:
		return s.fail(req, resp.StatusCode, fault.New(fault.Transient, "the answer has another form than expected: %w", err))
	}
	return nil
}
