package repourl

import (
	"net/url"
	"strings"
)

// Normalize gives the URLs that name one repository one form: without a user's
// password or a trailing slash, the host in lower case.
func Normalize(raw string) string {
	raw = strings.TrimRight(strings.TrimSpace(raw), "/")
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	u.Host = strings.ToLower(u.Host)
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// Redact takes out of a URL what must not be told: a password, and a query,
// which may hold a token. What is no URL stays.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	u.RawQuery = ""
	return u.Redacted()
}
