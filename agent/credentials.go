package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/repourl"
)

// Credentials finds what lets us into a repository in secrets of Argo CD's
// form: one for the repository itself, and the one for the longest prefix of
// its URL where the former has no credentials. Secrets are read each time, so
// that a new one counts at once.
type Credentials struct {
	Reader    client.Reader
	Namespace string
	// Log is told of what is wrong and concerns no repository.
	Log logr.Logger

	mu   sync.Mutex
	told map[types.UID]string // resource versions
}

var _ git.Credentials = (*Credentials)(nil)

// For implements git.Credentials.
func (c *Credentials) For(ctx context.Context, url string) (git.Auth, error) {
	a, err := c.access(ctx, url)
	if err != nil {
		return git.Auth{}, err
	}
	return a.git(), nil
}

// permits refuses a repository that secrets register, all of them for other
// projects.
func (c *Credentials) permits(ctx context.Context, project, url string) error {
	own, err := c.registered(ctx, url)
	if err != nil || len(own) == 0 {
		return err
	}
	for i := range own {
		if of := string(own[i].Data["project"]); of == "" || of == project {
			return nil
		}
	}
	return fault.New(fault.Denied, "the repository %s is registered for another project than %s", git.Redact(repourl.Redact(url)), project)
}

// access gathers all that is known about getting into a repository.
func (c *Credentials) access(ctx context.Context, url string) (access, error) {
	own, err := c.registered(ctx, url)
	if err != nil {
		return access{}, err
	}
	a, err := first(own)
	if err != nil {
		return access{}, err
	}
	if !a.hasCredentials() {
		shared, err := c.secrets(ctx, kube.SecretRepoCreds, func(at string) int { return covers(at, url) })
		if err != nil {
			return access{}, err
		}
		more, err := first(longest(shared, url))
		if err != nil {
			return access{}, err
		}
		a.inherit(more)
	}
	if err := c.trust(ctx, url, &a); err != nil {
		return access{}, err
	}
	return a, nil
}

// registered lists the secrets for a repository itself, the best first.
func (c *Credentials) registered(ctx context.Context, url string) ([]corev1.Secret, error) {
	return c.secrets(ctx, kube.SecretRepo, func(at string) int {
		if canonical(at) != canonical(url) {
			return 0
		}
		if repourl.Normalize(at) == repourl.Normalize(url) {
			return 2 // written the same way, not only meaning the same
		}
		return 1
	})
}

// secrets lists those of one kind whose URL fits, the best first.
func (c *Credentials) secrets(ctx context.Context, kind string, fits func(at string) int) ([]corev1.Secret, error) {
	var list corev1.SecretList
	if err := c.Reader.List(ctx, &list, client.InNamespace(c.Namespace), client.MatchingLabels{kube.SecretTypeLabel: kind}); err != nil {
		return nil, fmt.Errorf("list %s secrets: %w", kind, err)
	}
	var out []corev1.Secret
	for _, s := range list.Items {
		switch at := string(s.Data["url"]); {
		case canonical(at) == "":
			c.tell(&s, fmt.Errorf("the %s secret %s/%s has no url", kind, s.Namespace, s.Name))
		case fits(at) > 0:
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b corev1.Secret) int {
		return cmp.Or(
			-cmp.Compare(fits(string(a.Data["url"])), fits(string(b.Data["url"]))),
			cmp.Compare(len(a.Data["project"]), len(b.Data["project"])), // of no project before those of one
			cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// longest keeps the secrets with the longest prefix of a URL.
func longest(sorted []corev1.Secret, url string) []corev1.Secret {
	for i := range sorted {
		if covers(string(sorted[i].Data["url"]), url) < covers(string(sorted[0].Data["url"]), url) {
			return sorted[:i]
		}
	}
	return sorted
}

// first takes the first secret that can be read and holds credentials, or else
// the first that can be read. Where none can be, all errors are told.
func first(secrets []corev1.Secret) (access, error) {
	var good []access
	var failures []error
	for i := range secrets {
		a, err := parseAccess(&secrets[i])
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if a.hasCredentials() {
			return a, nil
		}
		good = append(good, a)
	}
	if len(good) > 0 {
		return good[0], nil
	}
	return access{}, fault.Wrap(fault.Invalid, errors.Join(failures...))
}

// tell logs what is wrong with an object, once for each of its versions.
func (c *Credentials) tell(o client.Object, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == nil {
		c.told = map[types.UID]string{}
	}
	if c.told[o.GetUID()] != o.GetResourceVersion() {
		c.told[o.GetUID()] = o.GetResourceVersion()
		c.Log.Error(err, "credentials cannot be used")
	}
}
