package rest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/redact"
)

// Options bound a Client; zero values mean the defaults.
type Options struct {
	// Timeout is for one request with its answer; 30 s.
	Timeout time.Duration
	// MaxBody is for one answer, unpacked, in bytes; 16 MiB.
	MaxBody int64
	// CacheBytes bounds the answers that are kept; 64 MiB.
	CacheBytes int64
	Now        func() time.Time
	// Observe is told of every request; nil tells nobody.
	Observe func(Observation)
}

// Observation is what became of a request.
type Observation struct {
	Forge, Host string
	// Result is ok, unchanged, missing, denied, limited, invalid or failed.
	Result string
	// Remaining is the least that any credential has left of its rate limit on
	// this host; negative where the host does not say.
	Remaining float64
}

// Client holds what conversations share: connections, answers and limits. It
// is safe for concurrent use.
type Client struct {
	options Options
	answers *answers
	limits  *limits

	mu         sync.Mutex
	transports map[[sha256.Size]byte]*http.Transport
}

// New makes a Client.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 16 << 20
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	return &Client{
		options: o, answers: newAnswers(o.CacheBytes), limits: newLimits(o.Now),
		transports: map[[sha256.Size]byte]*http.Transport{},
	}
}

// Close closes connections that nobody uses.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.transports {
		t.CloseIdleConnections()
	}
}

// Server is a forge, and how to get in.
type Server struct {
	// Forge is its kind, for metrics.
	Forge string
	// Base is the URL of its API.
	Base string
	// CA are certificates to trust beside the system's, in PEM.
	CA       []byte
	Insecure bool
	Credential
}

// Credential is a header that lets us in; the zero value is nobody.
type Credential struct {
	Header, Value string
	// Identity tells credentials apart where Value changes with time, such as a
	// token of an hour; empty means Value.
	Identity string
	// Secrets are the values in it that nobody may read.
	Secrets []string
}

func (c Credential) identity() string {
	if c.Identity != "" {
		return c.Identity
	}
	return c.Header + "\x00" + c.Value
}

// Session is a server as one credential sees it.
type Session struct {
	client    *Client
	server    Server
	base      *url.URL
	redactor  redact.Redactor
	transport *http.Transport
	who       [sha256.Size]byte
}

// Session opens a server. A base that is no URL, or certificates that are
// none, are fault.Invalid.
func (c *Client) Session(s Server) (*Session, error) {
	base, err := url.Parse(s.Base)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.New(fault.Invalid, "the address of the API is not an http or https URL")
	}
	if base.User != nil {
		return nil, fault.New(fault.Invalid, "the address of the API %s holds a user: give credentials in a Secret", base.Redacted())
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), strings.TrimRight(base.RawPath, "/")
	base.RawQuery, base.Fragment = "", ""
	if strings.ContainsAny(s.Value, "\r\n\x00") {
		return nil, fault.New(fault.Invalid, "the token holds line breaks")
	}
	transport, err := c.transport(s.CA, s.Insecure)
	if err != nil {
		return nil, err
	}
	return &Session{
		client: c, server: s, base: base, transport: transport, redactor: redact.Values(append([]string{s.Value}, s.Secrets...)),
		who: sha256.Sum256([]byte(base.Host + "\x00" + s.identity())),
	}, nil
}

// Key tells sessions apart that differ in anything: the server, how it is
// trusted, and what lets us in now.
func (s *Session) Key() [sha256.Size]byte {
	h := sha256.New()
	for _, part := range []string{s.server.Forge, s.base.String(), s.server.Header, s.server.Value, s.server.Identity, strconv.FormatBool(s.server.Insecure), string(s.server.CA)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// maxTransports bounds the sets of certificates that connections are kept for.
const maxTransports = 64

func (c *Client) transport(ca []byte, insecure bool) (*http.Transport, error) {
	key := sha256.Sum256(ca)
	if insecure {
		key[0] ^= 0xff
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.transports[key]; ok {
		return t, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} //nolint:gosec // where the user asked for it
	if len(ca) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(ca) {
			return nil, fault.New(fault.Invalid, "the certificates to trust hold no PEM certificate")
		}
		config.RootCAs = pool
	}
	if len(c.transports) >= maxTransports {
		for k, t := range c.transports {
			t.CloseIdleConnections()
			delete(c.transports, k)
		}
	}
	t := &http.Transport{
		TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
		DialContext:         (&net.Dialer{Timeout: c.options.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: c.options.Timeout, IdleConnTimeout: 2 * time.Minute, MaxResponseHeaderBytes: 256 << 10,
	}
	c.transports[key] = t
	return t, nil
}
