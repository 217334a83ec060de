package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Get asks for a path below the base and decodes the answer. Segments are
// escaped one by one.
func (s *Session) Get(ctx context.Context, into any, query url.Values, segments ...string) error {
	_, err := s.GetHeader(ctx, into, query, segments...)
	return err
}

// HasBelow asks for what may not be there, and reads nothing of the answer but
// that it is a JSON object. Where it is not there, what it would be below is
// asked for: without that, nobody knows.
func (s *Session) HasBelow(ctx context.Context, rootQuery url.Values, root []string, query url.Values, segments []string) (bool, error) {
	var there struct{}
	err := s.Get(ctx, &there, query, segments...)
	if fault.Of(err) != fault.Missing {
		return err == nil, err
	}
	return false, s.Get(ctx, &there, rootQuery, root...)
}

// GetHeader is Get, and gives the answer's header, too.
func (s *Session) GetHeader(ctx context.Context, into any, query url.Values, segments ...string) (http.Header, error) {
	return s.get(ctx, into, s.at(query, segments))
}

// at is the URL of a path below the base.
func (s *Session) at(query url.Values, segments []string) string {
	u := *s.base
	var plain, escaped strings.Builder
	plain.WriteString(u.Path)
	escaped.WriteString(u.EscapedPath())
	for _, segment := range segments {
		plain.WriteString("/" + segment)
		escaped.WriteString("/" + url.PathEscape(segment))
	}
	u.Path, u.RawPath, u.RawQuery = plain.String(), escaped.String(), query.Encode()
	return u.String()
}

// GetURL asks for a URL that the server named. One of another server is
// fault.Denied.
func (s *Session) GetURL(ctx context.Context, into any, at string) error {
	_, err := s.get(ctx, into, at)
	return err
}

func (s *Session) get(ctx context.Context, into any, at string) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fault.New(fault.Transient, "the server names %q, which is not a URL", at)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.HTTP().Do(req)
	if err != nil {
		return nil, s.outer(req, err)
	}
	defer resp.Body.Close() //nolint:errcheck // in memory
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return nil, s.fail(req, resp.StatusCode, fault.New(fault.Transient, "the answer has another form than expected: %w", err))
	}
	return resp.Header, nil
}

// outer keeps our own errors, and what redirect says.
func (s *Session) outer(req *http.Request, err error) error {
	var failed *failure
	if errors.As(err, &failed) {
		return failed
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return s.fail(req, 0, err)
}

// Name refuses what cannot be one segment of a path: names come from
// parameters, and libraries put them into paths as they are.
func Name(what, name string) error {
	if name == "" {
		return fault.New(fault.Invalid, "%s is empty", what)
	}
	if name == "." || name == ".." || strings.ContainsAny(name, "/\\?#%") || strings.ContainsFunc(name, unicode.IsControl) {
		return fault.New(fault.Invalid, "%s %q is not a name", what, name)
	}
	return nil
}

// Names is Name for several, given as pairs of what and name.
func Names(pairs ...string) error {
	var failures []error
	for i := 0; i+1 < len(pairs); i += 2 {
		failures = append(failures, Name(pairs[i], pairs[i+1]))
	}
	return errors.Join(failures...)
}

// MaxPages bounds the pages of one list.
const MaxPages = 1000

// Pages asks for one page after the other until there is no more. A list that
// does not end is fault.Invalid.
func Pages(next func(page int) (more bool, err error)) error {
	for page := 1; page <= MaxPages; page++ {
		more, err := next(page)
		if err != nil || !more {
			return err
		}
	}
	return fault.New(fault.Invalid, "the list has more than %d pages", MaxPages)
}
