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

// Place is how a repository is called whatever the protocol: host and path,
// without a user, a port or .git.
func Place(raw string) string {
	text := strings.TrimSuffix(Normalize(raw), ".git")
	host, path, ok := "", "", false
	if _, rest, found := strings.Cut(text, "://"); found {
		host, path, ok = strings.Cut(rest, "/")
	} else if host, path, ok = strings.Cut(text, ":"); strings.Contains(host, "/") {
		ok = false
	}
	if !ok {
		return text
	}
	if _, name, found := strings.Cut(host, "@"); found {
		host = name
	}
	host, _, _ = strings.Cut(host, ":")
	return host + "/" + strings.TrimPrefix(path, "/")
}

// Redact takes out of a URL what must not be told: a password, and a query,
// which may hold a token. What is no URL stays.
func Redact(raw string) string {
	out, _ := redact(raw)
	return out
}

// Bare is a URL to be told to others, who have users of their own: without the
// one of HTTP, any password, and a query. It is empty where what it holds cannot
// be told.
func Bare(raw string) string {
	if !strings.Contains(raw, "://") {
		if Secret(raw) {
			return ""
		}
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.Scheme != "file" {
		return ""
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https":
		u.User = nil
	case u.User != nil:
		u.User = url.User(u.User.Username())
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	return u.String()
}

// Secret reports a URL in which there is something that must not be told.
func Secret(raw string) bool {
	_, secret := redact(raw)
	return secret
}

func redact(raw string) (out string, secret bool) {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		// With a slash too few nothing is opened, and an error names it.
		scheme, after, _ := strings.Cut(strings.ToLower(raw), ":")
		if scheme != "http" && scheme != "https" {
			return raw, false
		}
		rest = raw[len(raw)-len(after):]
	} else if u, err := url.Parse(raw); err == nil && u.Host != "" {
		_, secret = u.User.Password()
		if !secret && u.RawQuery == "" {
			return raw, false
		}
		u.RawQuery = ""
		return u.Redacted(), true
	}
	// It cannot be read, perhaps because of what is in the password.
	head, _, queried := strings.Cut(rest, "?")
	if at := strings.LastIndex(head, "@"); at >= 0 {
		if user, _, ok := strings.Cut(head[:at], ":"); ok {
			head, secret = user+":xxxxx"+head[at:], true
		}
	}
	return raw[:len(raw)-len(rest)] + head, secret || queried
}
