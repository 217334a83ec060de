package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"code.dny.dev/ssrf"

	"github.com/trueup-dev/trueup/internal/fault"
)

// guard is a transport for URLs that anybody may write. It reaches public
// addresses, whatever a name resolves to, and those of hosts that the operator
// names. Redirects pass through it one by one.
type guard struct {
	hosts  []string // in lower case, with their port or without
	public *ssrf.Guardian
	proxy  func(*http.Request) (*url.URL, error)
	// direct dials what is permitted only. proxied dials the operator's proxy,
	// wherever that is.
	direct, proxied *http.Transport
}

func newGuard(auth Auth, hosts []string) (*guard, error) {
	proxied, err := auth.transport()
	if err != nil {
		return nil, err
	}
	g := &guard{hosts: hosts, public: ssrf.New(ssrf.WithAnyPort()), proxy: proxied.Proxy, proxied: proxied}
	g.direct = proxied.Clone()
	g.direct.Proxy = nil
	plain, guarded := &net.Dialer{Timeout: dialTimeout}, &net.Dialer{Timeout: dialTimeout, Control: g.public.Safe}
	g.direct.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if g.named(address) {
			return plain.DialContext(ctx, network, address)
		}
		conn, err := guarded.DialContext(ctx, network, address)
		if errors.Is(err, ssrf.ErrProhibitedIP) {
			return nil, notPublic(address)
		}
		return conn, err
	}
	return g, nil
}

// notPublic does not tell the address that a name resolves to: that is nothing
// for whoever may only write URLs.
func notPublic(host string) error {
	return fault.New(fault.Denied, "%s is not at a public address; the operator permits the host with --private-file-hosts", host)
}

// named tells whether the operator names a host, with the port of address or
// without any.
func (g *guard) named(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return slices.Contains(g.hosts, strings.ToLower(address)) || slices.Contains(g.hosts, strings.ToLower(host))
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := g.proxy(req)
	if err != nil {
		return nil, fmt.Errorf("find the proxy: %w", err)
	}
	if proxy == nil {
		return g.direct.RoundTrip(req)
	}
	if err := g.beyondProxy(req.Context(), req.URL); err != nil {
		return nil, err
	}
	return g.proxied.RoundTrip(req)
}

// beyondProxy checks a host that a proxy will resolve. One that resolves here
// must be public here; of others the proxy knows more.
func (g *guard) beyondProxy(ctx context.Context, to *url.URL) error {
	if g.named(to.Host) || g.named(to.Hostname()) {
		return nil
	}
	addresses := []netip.Addr{}
	if literal, err := netip.ParseAddr(to.Hostname()); err == nil {
		addresses = append(addresses, literal)
	} else {
		addresses, _ = net.DefaultResolver.LookupNetIP(ctx, "ip", to.Hostname())
	}
	for _, a := range addresses {
		if g.public.SafeAddr(a.Unmap()) != nil {
			return notPublic(to.Host)
		}
	}
	return nil
}

func (g *guard) close() {
	g.direct.CloseIdleConnections()
	g.proxied.CloseIdleConnections()
}
