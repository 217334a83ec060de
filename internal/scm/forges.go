package scm

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Objects reads what generators name. What is not there is fault.Missing.
type Objects interface {
	Secret(ctx context.Context, namespace, name string) (Secret, error)
	ConfigMap(ctx context.Context, namespace, name string) (map[string]string, error)
}

// Secret is what we need of one.
type Secret struct {
	Labels map[string]string
	Data   map[string][]byte
}

// Options say what is allowed.
type Options struct {
	Objects Objects
	// Namespace holds the Secrets of GitHub Apps.
	Namespace string
	// Disabled refuses everything.
	Disabled bool
	// Allowed are the addresses of APIs that generators may name; empty allows
	// every one. A forge's own public address is always allowed.
	Allowed []string
	// Confined has sets outside of Namespace name addresses of Allowed only, also
	// where that is empty: who may make a set there is not who runs the agent,
	// and must not choose whom it asks, nor to whom an app's key is shown.
	Confined bool
	// Strict wants Secrets with tokens to carry the label TokenLabel.
	Strict bool
	// RootCA are certificates that every forge is trusted by, in PEM.
	RootCA []byte
	// BitbucketCloud is where that answers; empty is its public address.
	BitbucketCloud string
	REST           rest.Options
}

// The label by which a Secret says that it holds a forge's token.
const (
	TokenLabel      = "argocd.argoproj.io/secret-type"
	TokenLabelValue = "scm-creds"
)

// Forges implements appset.Forges and appset.PullRequestStates. It is safe for
// concurrent use.
type Forges struct {
	options Options
	client  *rest.Client
	tokens  *wire.Tokens
	opened  *openings
}

var (
	_ appset.Forges            = (*Forges)(nil)
	_ appset.PullRequestStates = (*Forges)(nil)
)

// New makes Forges; Close ends it.
func New(o Options) *Forges {
	now := o.REST.Now
	if now == nil {
		now = time.Now
	}
	return &Forges{options: o, client: rest.New(o.REST), tokens: wire.NewTokens(now), opened: newOpenings(now)}
}

// Close closes connections that nobody uses.
func (f *Forges) Close() { f.client.Close() }

// pulls are the pull requests of one repository.
type pulls interface {
	// List gives those that count as open.
	List(ctx context.Context) ([]appset.PullRequest, error)
	// Find gives one, and whether it counts as open. One that is not there is
	// fault.Missing.
	Find(ctx context.Context, number int64) (appset.PullRequest, bool, error)
	// Exists is fault.Missing where the repository is not there.
	Exists(ctx context.Context) error
}

// PullRequests implements appset.Forges.
func (f *Forges) PullRequests(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	of, labels, err := f.pulls(ctx, namespace, gen)
	if err != nil {
		return nil, err
	}
	all, err := of.List(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p appset.PullRequest) bool { return !hasAll(p.Labels, labels) }), nil
}

// Gone implements appset.PullRequestStates.
func (f *Forges) Gone(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator, number int64) (bool, error) {
	of, labels, err := f.pulls(ctx, namespace, gen)
	if err != nil {
		return false, err
	}
	one, open, err := of.Find(ctx, number)
	if fault.Of(err) == fault.Missing {
		// Only one that its own repository does not know is gone.
		err = of.Exists(ctx)
		return err == nil, err
	}
	if err != nil {
		return false, err
	}
	if one.Number != number {
		return false, fault.New(fault.Transient, "read the pull request %d: the server answered with %d", number, one.Number)
	}
	return !open || !hasAll(one.Labels, labels), nil
}

func hasAll(have, want []string) bool {
	for _, w := range want {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

// allowed refuses an address that the operator does not list, and everything
// where generators of forges are switched off.
func (f *Forges) allowed(namespace, api string) error {
	if f.options.Disabled {
		return fault.New(fault.Denied, "generators that ask forges are switched off (--enable-scm-providers=false)")
	}
	outside := f.options.Confined && namespace != f.options.Namespace
	if api == "" || len(f.options.Allowed) == 0 && !outside {
		return nil
	}
	for _, one := range f.options.Allowed {
		if same(one, api) {
			return nil
		}
	}
	if len(f.options.Allowed) == 0 {
		return fault.New(fault.Denied, "the address %s is not allowed: a set outside of the agent's namespace %s may only name those of --allowed-scm-providers, which is empty",
			redacted(api), f.options.Namespace)
	}
	return fault.New(fault.Denied, "the address %s is not one of those allowed by --allowed-scm-providers: %s", redacted(api), strings.Join(f.options.Allowed, ", "))
}

// same compares addresses: a slash at the end and the case of the host do not
// count.
func same(a, b string) bool {
	plain := func(s string) string {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil {
			return s
		}
		u.Host, u.Scheme, u.Path = strings.ToLower(u.Host), strings.ToLower(u.Scheme), strings.TrimRight(u.Path, "/")
		return u.String()
	}
	return plain(a) == plain(b)
}

func redacted(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return "that cannot be read"
	}
	return u.Redacted()
}

// exactlyOne refuses a generator that names no forge, or several.
func exactlyOne(what string, named map[string]bool) error {
	var names []string
	for name, is := range named {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return fault.New(fault.Invalid, "%s names no forge", what)
	case 1:
		return nil
	}
	return fault.New(fault.Invalid, "%s names several forges: %s", what, strings.Join(names, ", "))
}

// ssh tells whether URLs are to be of that protocol.
func ssh(protocol string) (bool, error) {
	switch protocol {
	case "", "ssh":
		return true, nil
	case "https":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "cloneProtocol is %q: ssh or https", protocol)
}

// in says which forge an error is about.
func in(forge string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", forge, err)
}
