package agent

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

// scpLike is how OpenSSH writes a host and a path, as in git@host:path. The
// user tells it from a registry with a port.
var scpLike = regexp.MustCompile(`^[^/:@]+@([^/:@]+)(?::(.*))?$`)

// canonical is a URL in the form in which two names of one repository are the
// same, as Argo CD compares them: in lower case, without user, default port,
// .git and trailing slash, scp's form as ssh, and without oci://.
func canonical(raw string) string {
	raw = strings.ToLower(strings.TrimSpace(raw))
	if m := scpLike.FindStringSubmatch(raw); m != nil {
		raw = "ssh://" + m[1] + "/" + strings.TrimLeft(m[2], "/")
	}
	raw = trimGit(strings.TrimPrefix(raw, "oci://"))
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	host := u.Host
	if name, port, err := net.SplitHostPort(host); err == nil && port == map[string]string{"https": "443", "http": "80", "ssh": "22"}[u.Scheme] {
		host = name
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.Path, "/")
}

func trimGit(s string) string {
	return strings.TrimRight(strings.TrimSuffix(strings.TrimRight(s, "/"), ".git"), "/")
}

// covers is how much of a URL a prefix stands for, 0 where it is none. The
// last part of a path may be a piece of a name, as in Argo CD; a host may not:
// credentials of host.example are not for host.example.org.
func covers(prefix, url string) int {
	prefix, url = canonical(prefix), canonical(url)
	rest, ok := strings.CutPrefix(url, prefix)
	if !ok || prefix == "" {
		return 0
	}
	_, path, schemed := strings.Cut(prefix, "://")
	if !schemed {
		path = prefix
	}
	if whole := strings.Contains(path, "/"); !whole && rest != "" && rest[0] != '/' {
		return 0
	}
	return len(prefix)
}

// place is where a repository is, whichever way leads there: host and path.
// It is empty for what is not on another host.
func place(raw string) string {
	_, at, ok := strings.Cut(canonical(raw), "://")
	if !ok {
		return ""
	}
	host, path, _ := strings.Cut(at, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "" || path == "" {
		return ""
	}
	return host + "/" + path
}
