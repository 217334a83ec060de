package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
)

// statusError is an HTTP answer that is no success.
type statusError struct {
	url    string
	status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("get %s: the server answers %d %s", repourl.Redact(e.url), e.status, http.StatusText(e.status))
}

// classify gives an error of a conversation its kind, unless it has one.
func classify(err error) error {
	var status *statusError
	var response *errcode.ErrorResponse
	var unknown x509.UnknownAuthorityError
	var verify *tls.CertificateVerificationError
	code := 0
	switch {
	case err == nil, fault.Of(err) != fault.Transient, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &status):
		code = status.status
	case errors.As(err, &response):
		code = response.StatusCode
	case errors.Is(err, errdef.ErrNotFound):
		code = http.StatusNotFound
	case errors.As(err, &unknown), errors.As(err, &verify), errors.Is(err, auth.ErrBasicCredentialNotFound):
		return fault.Wrap(fault.Denied, err)
	case errors.Is(err, errdef.ErrInvalidReference), errors.Is(err, errdef.ErrInvalidDigest):
		return fault.Wrap(fault.Invalid, err)
	}
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Wrap(fault.Denied, err)
	case http.StatusNotFound, http.StatusGone:
		return fault.Wrap(fault.Missing, err)
	}
	return err
}
