package github

import (
	"context"
	"fmt"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Pulls are the pull requests of one repository.
type Pulls struct {
	client      *github.Client
	owner, repo string
}

// NewPulls opens a repository; api is empty for github.com.
func NewPulls(session *rest.Session, api, owner, repo string) (*Pulls, error) {
	if err := rest.Names("owner", owner, "repo", repo); err != nil {
		return nil, err
	}
	c, err := client(session, api)
	return &Pulls{c, owner, repo}, err
}

// List gives the open ones.
func (p *Pulls) List(ctx context.Context) ([]appset.PullRequest, error) {
	var out []appset.PullRequest
	err := p.each(ctx, func(one *github.PullRequest) { out = append(out, value(one)) })
	return out, err
}

// each shows the open ones.
func (p *Pulls) each(ctx context.Context, see func(*github.PullRequest)) error {
	return rest.Pages(func(page int) (bool, error) {
		found, resp, err := p.client.PullRequests.List(ctx, p.owner, p.repo, &github.PullRequestListOptions{
			State: "open", ListOptions: github.ListOptions{Page: page, PerPage: perPage},
		})
		if err != nil {
			return false, fmt.Errorf("list the pull requests of %s/%s: %w", p.owner, p.repo, rest.Cause(err))
		}
		for _, one := range found {
			see(one)
		}
		return resp.NextPage > page || len(found) >= perPage, nil
	})
}

// Find gives one, open or not. One that is not there is fault.Missing.
func (p *Pulls) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	one, _, err := p.client.PullRequests.Get(ctx, p.owner, p.repo, int(number))
	if err != nil {
		return appset.PullRequest{}, false, fmt.Errorf("read the pull request %s/%s#%d: %w", p.owner, p.repo, number, rest.Cause(err))
	}
	if state := one.GetState(); state != "open" && state != "closed" {
		return appset.PullRequest{}, false, fault.New(fault.Transient, "read the pull request %s/%s#%d: its state is %q", p.owner, p.repo, number, state)
	}
	return value(one), one.GetState() == "open", nil
}

// Exists is fault.Missing where the repository is not there.
func (p *Pulls) Exists(ctx context.Context) error {
	if _, _, err := p.client.Repositories.Get(ctx, p.owner, p.repo); err != nil {
		return fmt.Errorf("read the repository %s/%s: %w", p.owner, p.repo, rest.Cause(err))
	}
	return nil
}

func value(p *github.PullRequest) appset.PullRequest {
	out := appset.PullRequest{
		Number: int64(p.GetNumber()), Title: p.GetTitle(), Author: p.GetUser().GetLogin(), Branch: p.GetHead().GetRef(),
		TargetBranch: p.GetBase().GetRef(), HeadSHA: p.GetHead().GetSHA(), Updated: p.GetUpdatedAt().UTC(),
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}
