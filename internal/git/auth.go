package git

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// Auth is how to get into a repository. The zero value is for public ones.
type Auth = wire.Auth

// GitHubApp is an application that is installed in an organisation.
type GitHubApp = wire.GitHubApp

// Credentials finds what lets us into a repository. It is asked for each
// conversation, so that what was replaced counts at once.
type Credentials interface {
	For(ctx context.Context, url string) (Auth, error)
}

// Public is the Credentials of those who have none.
type Public struct{}

// For implements Credentials.
func (Public) For(context.Context, string) (Auth, error) { return Auth{}, nil }

// classify gives an error of a conversation its kind.
func classify(err error) error {
	if errors.Is(err, transport.ErrRepositoryNotFound) {
		return fault.Wrap(fault.Missing, err)
	}
	return err
}

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
