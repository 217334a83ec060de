package gitea

import (
	"context"
	"fmt"

	"code.gitea.io/sdk/gitea"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Create opens a pull request and returns its number.
func (p *Pulls) Create(ctx context.Context, c rest.Change) (int64, error) {
	client, err := p.client(ctx)
	if err != nil {
		return 0, err
	}
	made, _, err := client.CreatePullRequest(p.owner, p.repo, gitea.CreatePullRequestOption{Head: c.Branch, Base: c.Base, Title: c.Title, Body: c.Body})
	if err != nil {
		return 0, fmt.Errorf("open a pull request in %s/%s: %w", p.owner, p.repo, rest.Cause(err))
	}
	if made == nil || made.Index == 0 {
		return 0, fault.New(fault.Transient, "open a pull request in %s/%s: the answer has no number", p.owner, p.repo)
	}
	return made.Index, nil
}
