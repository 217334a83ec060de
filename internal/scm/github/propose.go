package github

import (
	"context"
	"fmt"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Create opens a pull request and returns its number.
func (p *Pulls) Create(ctx context.Context, c rest.Change) (int64, error) {
	made, _, err := p.client.PullRequests.Create(ctx, p.owner, p.repo, &github.NewPullRequest{Title: &c.Title, Body: &c.Body, Head: &c.Branch, Base: &c.Base})
	if err != nil {
		return 0, fmt.Errorf("open a pull request in %s/%s: %w", p.owner, p.repo, rest.Cause(err))
	}
	if made.GetNumber() == 0 {
		return 0, fault.New(fault.Transient, "open a pull request in %s/%s: the answer has no number", p.owner, p.repo)
	}
	return int64(made.GetNumber()), nil
}
