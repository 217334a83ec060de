package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Change is a pull request to be opened, within one repository.
type Change struct {
	// Title is a line, Body Markdown.
	Title, Body string
	// Branch is taken over into Base.
	Branch, Base string
}

// Post sends a value as JSON to a path below the base, and decodes the answer.
func (s *Session) Post(ctx context.Context, send, into any, query url.Values, segments ...string) error {
	body, err := json.Marshal(send)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.at(query, segments), bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "the address of the API is not a URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.HTTP().Do(req)
	if err != nil {
		return s.outer(req, err)
	}
	defer resp.Body.Close() //nolint:errcheck // in memory
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return s.fail(req, resp.StatusCode, fault.New(fault.Transient, "the answer has another form than expected: %w", err))
	}
	return nil
}
