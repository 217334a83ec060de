package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/trueup-dev/trueup/internal/fault"
)

// httpClient keeps the client of the last conversation, so that connections
// stay open; another way of connecting makes another one.
type httpClient struct {
	by     connection
	client *http.Client
}

func (h *httpClient) close() {
	if h.client != nil {
		h.client.CloseIdleConnections()
	}
}

// connection is the part of Auth that connections are made by.
type connection struct {
	ca, cert, key, proxy, noProxy string
	insecure                      bool
}

func (h *httpClient) forAuth(a Auth) (*http.Client, error) {
	by := connection{string(a.CA), string(a.ClientCert), string(a.ClientKey), a.Proxy, a.NoProxy, a.Insecure}
	if h.client != nil && h.by == by {
		return h.client, nil
	}
	t, err := by.transport()
	if err != nil {
		return nil, err
	}
	h.close()
	h.by, h.client = by, &http.Client{Transport: t, CheckRedirect: checkRedirect}
	return h.client, nil
}

func (c connection) transport() (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.insecure} //nolint:gosec // where the user asked for it
	if c.ca != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(c.ca)) {
			return nil, fault.New(fault.Invalid, "the certificates to trust hold no PEM certificate")
		}
		config.RootCAs = pool
	}
	if c.cert != "" || c.key != "" {
		pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
		if err != nil {
			return nil, fault.New(fault.Denied, "the client certificate and its key cannot be read, or do not belong together")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	t := &http.Transport{
		TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2,
		DialContext:         (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: 5 * time.Minute,
	}
	if c.proxy != "" || c.noProxy != "" {
		if u, err := url.Parse(c.proxy); err != nil || c.proxy != "" && u.Host == "" {
			return nil, fault.New(fault.Invalid, "the proxy is not a URL") // it may hold a password
		}
		choose := (&httpproxy.Config{HTTPProxy: c.proxy, HTTPSProxy: c.proxy, NoProxy: c.noProxy}).ProxyFunc()
		t.Proxy = func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
	}
	return t, nil
}

const dialTimeout = 30 * time.Second

// checkRedirect follows the first question of a conversation only, and never
// to where others can listen.
func checkRedirect(to *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("the server redirects again and again")
	}
	if via[len(via)-1].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return fault.New(fault.Denied, "the server redirects from https to %s", to.URL.Scheme)
	}
	return nil
}
