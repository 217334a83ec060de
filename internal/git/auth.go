package git

import (
	"context"
	"errors"

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
