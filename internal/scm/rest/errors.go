package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Cause is the error of this package in err, without what libraries say
// around it; err itself where there is none, and Transient then: what a
// library cannot read may be readable the next time.
func Cause(err error) error {
	var failed *failure
	if errors.As(err, &failed) {
		return failed
	}
	return err
}

// failure is an attempt that failed. Its text is safe to show.
type failure struct {
	status int
	text   string
	err    error // with its kind
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// Status is the HTTP status that an error of this package stands for; 0 is
// none.
func Status(err error) int {
	var failed *failure
	if errors.As(err, &failed) {
		return failed.status
	}
	return 0
}

func (s *Session) fail(req *http.Request, status int, err error) *failure {
	text := s.redactor.Text(fmt.Sprintf("%s %s: %v", req.Method, place(req.URL), err))
	return &failure{status: status, text: text, err: err}
}

// place is a URL without its query.
func place(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}

// unreachable is for what comes from the network.
func unreachable(ctx context.Context, err error, timeout time.Duration) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return fault.New(fault.Transient, "no complete answer within %v", timeout)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fault.Wrap(fault.Transient, err)
}

// refusal makes an error of a status that is no success.
func refusal(status int, message string, until time.Time) error {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if message != "" {
		text += ": " + message
	}
	if !until.IsZero() {
		return fault.Later(until, fmt.Errorf("%s; asked again not before %s", text, until.UTC().Format(time.RFC3339)))
	}
	err := errors.New(text)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Wrap(fault.Denied, err)
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.Wrap(fault.Missing, err)
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500, status < 400:
		return fault.Wrap(fault.Transient, err)
	}
	return fault.Wrap(fault.Invalid, err)
}

// maxMessage bounds what an error quotes of an answer.
const maxMessage = 200

// message is what a forge says of an error, in one line.
func message(body []byte) string {
	var said struct {
		Message          any    `json:"message"`
		Error            any    `json:"error"`
		ErrorDescription string `json:"error_description"`
		Errors           []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	var found string
	for _, one := range []any{said.Message, said.ErrorDescription, said.Error} {
		switch one := one.(type) {
		case string:
			found = one
		case map[string]any: // Bitbucket's
			found, _ = one["message"].(string)
		}
		if found != "" {
			break
		}
	}
	for _, one := range said.Errors {
		if found == "" {
			found = one.Message
		}
	}
	found = strings.Join(strings.FieldsFunc(found, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if cut := []rune(found); len(cut) > maxMessage {
		found = string(cut[:maxMessage]) + "..."
	}
	return found
}
