package kustomize

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// fetched reports what kustomize would ask an HTTP server for.
func fetched(file string) bool {
	lower := strings.ToLower(strings.TrimSpace(file))
	return strings.HasPrefix(lower, "http:") || strings.HasPrefix(lower, "https:")
}

// remote reports what kustomize takes for a repository or a URL: a scheme, a
// user, or GitHub. All else is a path.
func remote(resource string) bool {
	resource, _ = cutFold(resource, "git::")
	for _, scheme := range []string{"ssh://", "file://", "http:", "https:"} {
		if _, ok := cutFold(resource, scheme); ok {
			return true
		}
	}
	return user(resource) != "" || gitHub(resource)
}

// user is a leading "git@".
func user(s string) string {
	name, _, ok := strings.Cut(s, "@")
	if !ok || strings.Trim(name, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" ||
		name == "" || strings.IndexByte("-0123456789", name[0]) >= 0 {
		return ""
	}
	return name + "@"
}

func gitHub(s string) bool {
	_, slash := cutFold(s, "github.com/")
	_, colon := cutFold(s, "github.com:")
	return slash || colon
}

// shown is an entry as errors name it: without a password, and with a query
// only where kustomize knows all of it.
func shown(entry string) string {
	rest, _ := cutFold(entry, "git::")
	out := entry[:len(entry)-len(rest)] + repourl.Redact(rest)
	_, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil || query == "" || strings.HasSuffix(out, "?"+query) {
		return out
	}
	for name := range values {
		if !slices.Contains([]string{"ref", "version", "submodules", "timeout"}, name) {
			return out
		}
	}
	return out + "?" + query
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// parseRemote reads kustomize's URLs of a folder in a repository:
// https://host/org/repo//path?ref=X, git::, ssh://, user@host:org/repo and
// github.com/org/repo/path. Without "//", ".git" or "_git/" the repository's
// path has two parts. submodules and timeout are for who fetches.
func parseRemote(text string) (at snapshot.Location, dir string, err error) {
	rest, _ := cutFold(text, "git::")
	rest, query, queried := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return at, "", fault.New(fault.Invalid, "%s: its query cannot be read", shown(text)) // err quotes it
	}
	if at.Revision = values.Get("ref"); at.Revision == "" {
		at.Revision = values.Get("version")
	}
	host, rest, err := splitHost(rest)
	if err != nil {
		return at, "", fault.New(fault.Invalid, "%s: %w", shown(text), err)
	}
	marked := queried || strings.Contains(rest, "//") || strings.Contains(rest, ".git")
	switch strings.ToLower(path.Ext(rest)) {
	case ".yaml", ".yml", ".json":
		if strings.HasPrefix(host, "http") && !marked {
			return at, "", fault.New(fault.Invalid, "%s is a file on a web server, which nothing pins; copy it into the repository", shown(text))
		}
	}
	repo, dir, ok := splitPath(rest)
	if !ok || repo == "" {
		return at, "", fault.New(fault.Invalid, "%s does not say which repository it is: want https://HOST/ORG/REPO//PATH?ref=REVISION", shown(text))
	}
	dir = path.Clean(strings.Trim(dir, "/"))
	if dir == ".." || strings.HasPrefix(dir, "../") {
		return at, "", fault.New(fault.Invalid, "%s leaves its repository", shown(text))
	}
	at.RepoURL = host + repo
	return at, dir, nil
}

// splitHost takes all before the repository's path off, in the form that Git
// wants.
func splitHost(s string) (host, rest string, err error) {
	scheme := ""
	for _, known := range []string{"ssh://", "file://", "http://", "https://"} {
		if after, ok := cutFold(s, known); ok {
			scheme, s = known, after
			break
		}
	}
	if scheme == "file://" {
		return "", "", fault.New(fault.Invalid, "a repository of this machine's disk cannot be a base")
	}
	login := user(s)
	s = s[len(login):]
	if gitHub(s) {
		s = s[len("github.com/"):]
		if scheme == "ssh://" || login != "" && scheme == "" {
			return login + "github.com:", s, nil
		}
		return "https://github.com/", s, nil
	}
	separators := "/"
	if scheme == "" {
		separators = "/:"
	}
	i := strings.IndexAny(s, separators)
	if i <= 0 || scheme == "" && login == "" {
		return "", "", fault.New(fault.Invalid, "there is no host in it")
	}
	return scheme + login + s[:i+1], s[i+1:], nil
}

func splitPath(s string) (repo, dir string, ok bool) {
	if before, after, found := strings.Cut(s, "_git/"); found {
		name, dir, _ := strings.Cut(after, "/")
		return before + "_git/" + name, dir, name != ""
	}
	if repo, dir, found := strings.Cut(s, "//"); found {
		return repo, dir, true
	}
	if i := strings.Index(s, ".git"); i >= 0 {
		return s[:i+len(".git")], s[i+len(".git"):], true
	}
	parts := strings.SplitN(s, "/", 3)
	if len(parts) < 2 || parts[1] == "" {
		return "", "", false
	}
	return parts[0] + "/" + parts[1], strings.Join(parts[2:], "/"), true
}
