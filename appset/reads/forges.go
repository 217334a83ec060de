package reads

import (
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
)

type forges struct {
	r    *Recorder
	next appset.Forges
}

// Organization implements appset.Forges.
func (p forges) Organization(ctx context.Context, namespace string, gen *v1alpha1.SCMProviderGenerator) (appset.Organization, error) {
	opened, err := p.next.Organization(ctx, namespace, gen)
	if err != nil {
		return nil, err
	}
	return organization{r: p.r, next: opened, namespace: namespace, gen: gen}, nil
}

// PullRequests implements appset.Forges.
func (p forges) PullRequests(ctx context.Context, namespace string, gen *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	open, err := p.next.PullRequests(ctx, namespace, gen)
	if err == nil {
		answered(p.r, Services, asked("pull requests", namespace, gen), open, func(ctx context.Context, w appset.World) ([]appset.PullRequest, error) {
			return w.Forges.PullRequests(ctx, namespace, gen)
		})
	}
	return open, err
}

type organization struct {
	r         *Recorder
	next      appset.Organization
	namespace string
	gen       *v1alpha1.SCMProviderGenerator
}

func (o organization) again(ctx context.Context, w appset.World) (appset.Organization, error) {
	return w.Forges.Organization(ctx, o.namespace, o.gen)
}

// Repositories implements appset.Organization.
func (o organization) Repositories(ctx context.Context) ([]appset.Repository, error) {
	all, err := o.next.Repositories(ctx)
	if err == nil {
		answered(o.r, Services, asked("repositories", o.namespace, o.gen), all, func(ctx context.Context, w appset.World) ([]appset.Repository, error) {
			again, err := o.again(ctx, w)
			if err != nil {
				return nil, err
			}
			return again.Repositories(ctx)
		})
	}
	return all, err
}

// Branches implements appset.Organization.
func (o organization) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	all, err := o.next.Branches(ctx, of)
	if err == nil {
		answered(o.r, Services, asked("branches", o.namespace, o.gen, of), all, func(ctx context.Context, w appset.World) ([]appset.Branch, error) {
			again, err := o.again(ctx, w)
			if err != nil {
				return nil, err
			}
			return again.Branches(ctx, of)
		})
	}
	return all, err
}

// Has implements appset.Organization.
func (o organization) Has(ctx context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	has, err := o.next.Has(ctx, of, branch, path)
	if err == nil {
		answered(o.r, Services, asked("path", o.namespace, o.gen, of, branch, path), has, func(ctx context.Context, w appset.World) (bool, error) {
			again, err := o.again(ctx, w)
			if err != nil {
				return false, err
			}
			return again.Has(ctx, of, branch, path)
		})
	}
	return has, err
}
