package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client speaks JSON with one API server.
type client struct {
	server string
	http   *http.Client
}

// errStatus is an answer that is not 2xx.
type errStatus struct {
	code int
	body string
}

func (e *errStatus) Error() string { return fmt.Sprintf("status %d: %.300s", e.code, e.body) }

// newClient reaches a server as the user whose keys are given; with a zero
// pair it is anonymous.
func newClient(server string, ca []byte, user pair) (*client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the certificate authority is no certificate in PEM")
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if user.cert != nil {
		cert, err := tls.X509KeyPair(user.cert, user.key)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return &client{server: server, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: config},
		Timeout:   10 * time.Second,
	}}, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends body as JSON unless it is nil, and decodes the answer into out
// unless that is nil.
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, reader)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", method, path, &errStatus{code: res.StatusCode, body: string(data)})
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// statusOf returns the code of a refused request, and 0 for any other error.
func statusOf(err error) int {
	var s *errStatus
	if errors.As(err, &s) {
		return s.code
	}
	return 0
}
