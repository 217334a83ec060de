package git

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Auth is how to get into a repository. The zero value is for public ones.
type Auth struct {
	Username, Password string
	// BearerToken goes into the HTTP header in place of a password.
	BearerToken string
	// SSHPrivateKey is a PEM block; KnownHosts holds lines in the format of
	// OpenSSH's file of that name. Where it is empty the user's own is used.
	SSHPrivateKey, KnownHosts string
	// Insecure accepts any server certificate or SSH host key.
	Insecure bool
	// CA is a bundle of further PEM certificates to trust.
	CA []byte
	// ClientCert and ClientKey are PEM blocks that tell the server who we are.
	ClientCert, ClientKey []byte
	// Proxy is the URL of a proxy, NoProxy lists hosts to reach without it.
	Proxy, NoProxy string
	// ForceBasic sends the password before the server asks for it.
	ForceBasic bool
	// GitHubApp has tokens made for an installed app.
	GitHubApp *GitHubApp
}

// GitHubApp is an app of GitHub's that is installed where repositories are.
type GitHubApp struct {
	AppID int64
	// InstallationID is 0 where it is to be found by the repository's owner.
	InstallationID int64
	PrivateKey     []byte
	// BaseURL is that of the API of an enterprise server, empty for github.com.
	BaseURL string
}

// Credentials finds what lets us into a repository.
type Credentials interface {
	For(ctx context.Context, url string) (Auth, error)
}

// Public is the Credentials of those who have none.
type Public struct{}

// For implements Credentials.
func (Public) For(context.Context, string) (Auth, error) { return Auth{}, nil }

// method turns a into go-git's form for the URL's scheme.
func (a Auth) method(ep *transport.Endpoint) (transport.AuthMethod, error) {
	switch ep.Protocol {
	case "ssh":
		return a.ssh(ep)
	case "http", "https":
		switch {
		case a.BearerToken != "":
			return &http.TokenAuth{Token: a.BearerToken}, nil
		case a.Username != "" || a.Password != "":
			user := a.Username
			if user == "" {
				user = "git" // forges take any name beside a token
			}
			return &http.BasicAuth{Username: user, Password: a.Password}, nil
		}
	}
	return nil, nil
}

func (a Auth) ssh(ep *transport.Endpoint) (transport.AuthMethod, error) {
	if a.SSHPrivateKey == "" {
		return nil, fault.New(fault.Denied, "no SSH private key is configured for the repository")
	}
	user := ep.User
	if user == "" {
		user = "git"
	}
	keys, err := ssh.NewPublicKeys(user, []byte(a.SSHPrivateKey), a.Password)
	if err != nil {
		return nil, fault.Wrap(fault.Denied, fmt.Errorf("read the SSH private key: %w", err))
	}
	switch {
	case a.Insecure:
		keys.HostKeyCallback = gossh.InsecureIgnoreHostKey() //nolint:gosec // the user asked for it
	case a.KnownHosts != "":
		callback, err := hostKeys(a.KnownHosts)
		if err != nil {
			return nil, err
		}
		keys.HostKeyCallback = callback
	}
	return keys, nil
}

// classify gives an error of a conversation its kind.
func classify(err error) error {
	var unknownHost *knownhosts.KeyError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed),
		errors.As(err, &unknownHost), strings.Contains(err.Error(), "unable to authenticate"):
		return fault.Wrap(fault.Denied, err)
	case errors.Is(err, transport.ErrRepositoryNotFound), strings.Contains(err.Error(), "not our ref"):
		return fault.Wrap(fault.Missing, err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fault.New(fault.Missing, "the repository is empty: it has no commit yet")
	case errors.Is(err, transport.ErrInvalidAuthMethod):
		return fault.Wrap(fault.Invalid, err)
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
