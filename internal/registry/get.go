package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
)

// get asks for one body of at most limit bytes. It returns no header where the
// server says that nothing changed.
func (r *Registry) get(client *http.Client, req *http.Request, auth Auth, limit int64) ([]byte, http.Header, error) {
	req.Header.Set("User-Agent", r.userAgent)
	switch {
	case auth.BearerToken != "":
		req.Header.Set("Authorization", "Bearer "+auth.BearerToken)
	case auth.Username != "" || auth.Password != "":
		req.SetBasicAuth(auth.Username, auth.Password)
	}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error // repeats the URL with all that is in it
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, nil, fmt.Errorf("get %s: %w", repourl.Redact(req.URL.String()), err)
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil, nil, nil
	default:
		return nil, nil, &statusError{req.URL.String(), resp.StatusCode}
	}
	if resp.ContentLength > limit {
		return nil, nil, tooLong(req, limit)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("get %s: %w", repourl.Redact(req.URL.String()), err)
	}
	if int64(len(data)) > limit {
		return nil, nil, tooLong(req, limit)
	}
	return data, resp.Header, nil
}

func tooLong(req *http.Request, limit int64) error {
	return fault.New(fault.Invalid, "get %s: it is larger than %d MiB", repourl.Redact(req.URL.String()), limit>>20)
}
