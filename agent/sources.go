package agent

import (
	"context"

	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Sources opens trees wherever they are: charts and OCI artifacts with
// Registry, all others with Git.
type Sources struct {
	Git      *git.Mirrors
	Registry *registry.Registry
}

// RegistryCredentials lets into chart repositories and OCI registries; nil
// From is for public ones.
type RegistryCredentials struct{ From *Credentials }

// For implements registry.Credentials.
func (c RegistryCredentials) For(ctx context.Context, url string) (registry.Auth, error) {
	if c.From == nil {
		return registry.Auth{}, nil
	}
	a, err := c.From.access(ctx, url)
	return a.registry(), err
}

// Tree opens a tree as of the last Poll.
func (s Sources) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if registry.Serves(at) {
		return s.Registry.Tree(ctx, at)
	}
	return s.Git.Tree(ctx, at)
}

// Poll asks for what changed at a URL. Who uses a Helm repository opens its
// charts first, so that it is known for one.
func (s Sources) Poll(ctx context.Context, url string) (changed bool, err error) {
	if s.inRegistry(url) {
		return s.Registry.Poll(ctx, url)
	}
	return s.Git.Poll(ctx, url)
}

// Tidy is for when nobody waits.
func (s Sources) Tidy(ctx context.Context, url string) error {
	if s.inRegistry(url) {
		return nil // archives are tidied as they come
	}
	return s.Git.Tidy(ctx, url)
}

// Forget drops what is kept in memory of a URL.
func (s Sources) Forget(url string) {
	if s.inRegistry(url) {
		s.Registry.Forget(url)
		return
	}
	s.Git.Forget(url)
}

func (s Sources) inRegistry(url string) bool {
	return registry.Serves(snapshot.Location{RepoURL: url}) || s.Registry.Holds(url)
}
