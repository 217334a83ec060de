package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Auth is how to get into a repository. The zero value is for public ones.
type Auth struct {
	Username, Password string
	// BearerToken goes before a password.
	BearerToken string
	// CA is a bundle of further PEM certificates to trust; ClientCert and
	// ClientKey are PEM blocks to be known by.
	CA, ClientCert, ClientKey []byte
	// Insecure accepts any server certificate, PlainHTTP speaks to an OCI
	// registry without TLS.
	Insecure, PlainHTTP bool
	// PassCredentials sends the password or token to other hosts, too, that an index
	// names for its charts.
	PassCredentials bool
	// Proxy is the URL of a proxy and NoProxy the hosts to reach without it, in
	// the form of the variables of these names. Where Proxy is empty the
	// process's own environment counts.
	Proxy, NoProxy string
}

// Credentials finds what lets us into a repository: the URL is that of a Helm
// repository, or oci://host/path.
type Credentials interface {
	For(ctx context.Context, url string) (Auth, error)
}

// Public is the Credentials of those who have none.
type Public struct{}

// For implements Credentials.
func (Public) For(context.Context, string) (Auth, error) { return Auth{}, nil }

// Times of a conversation. A body may take as long as the caller's context.
const (
	dialTimeout   = 15 * time.Second
	headerTimeout = 60 * time.Second
	idleTimeout   = 60 * time.Second
)

// transport makes connections as a says.
func (a Auth) transport() (*http.Transport, error) {
	config := &tls.Config{InsecureSkipVerify: a.Insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // only where the user asked for it
	if len(a.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(a.CA) {
			return nil, fault.New(fault.Denied, "the CA that is configured for the repository holds no certificate")
		}
		config.RootCAs = pool
	}
	if len(a.ClientCert) > 0 {
		pair, err := tls.X509KeyPair(a.ClientCert, a.ClientKey)
		if err != nil {
			return nil, fault.Wrap(fault.Denied, fmt.Errorf("read the client certificate that is configured for the repository: %w", err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{
		TLSClientConfig: config, Proxy: a.proxy(), ForceAttemptHTTP2: true,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout, IdleConnTimeout: idleTimeout,
		MaxIdleConnsPerHost: 2,
	}, nil
}

func (a Auth) proxy() func(*http.Request) (*url.URL, error) {
	if a.Proxy == "" {
		return http.ProxyFromEnvironment
	}
	choose := (&httpproxy.Config{HTTPProxy: a.Proxy, HTTPSProxy: a.Proxy, NoProxy: a.NoProxy}).ProxyFunc()
	return func(req *http.Request) (*url.URL, error) { return choose(req.URL) }
}
