package agent

import (
	"context"
	"errors"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Sources opens trees wherever they are: charts, OCI artifacts and files of web
// servers with Registry, all others with Git.
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

// Blame tells which commit touched lines of a file last. Charts, artifacts and
// files of web servers have no history.
func (s Sources) Blame(ctx context.Context, q snapshot.Lines) (snapshot.Touch, error) {
	if registry.Serves(q.At) {
		return snapshot.Touch{}, fault.New(fault.Missing, "%s is no Git repository: it has no history", git.Redact(q.At.RepoURL))
	}
	return s.Git.Blame(ctx, q)
}

// Poll asks for what changed at a URL, of everything that was opened there: a
// URL may be that of a Git repository for one user and of charts or a file for
// another. It fails where none of them can be asked: who takes a URL for what it
// is not must not make it fail for others. Where nothing was opened, nothing
// changed for anybody.
func (s Sources) Poll(ctx context.Context, url string) (changed bool, err error) {
	var failures []error
	holding := s.holding(url)
	for _, at := range holding {
		moved, err := at.Poll(ctx, url)
		changed = changed || moved
		if err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) < len(holding) {
		return changed, nil
	}
	return changed, errors.Join(failures...)
}

// Tidy is for when nobody waits.
func (s Sources) Tidy(ctx context.Context, url string) error {
	if !s.Git.Holds(url) {
		return nil // archives are tidied as they come
	}
	return s.Git.Tidy(ctx, url)
}

// Forget drops what is kept in memory of a URL.
func (s Sources) Forget(url string) {
	for _, at := range s.holding(url) {
		at.Forget(url)
	}
}

// pollable is what Git and Registry have in common.
type pollable interface {
	Poll(ctx context.Context, url string) (changed bool, err error)
	Forget(url string)
}

func (s Sources) holding(url string) []pollable {
	var out []pollable
	if s.Registry.Holds(url) {
		out = append(out, s.Registry)
	}
	if s.Git.Holds(url) {
		out = append(out, s.Git)
	}
	return out
}
