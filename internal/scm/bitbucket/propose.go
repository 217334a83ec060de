package bitbucket

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Create opens a pull request and returns its number.
func (p *CloudPulls) Create(ctx context.Context, c rest.Change) (int64, error) {
	end := func(branch string) map[string]any { return map[string]any{"branch": map[string]any{"name": branch}} }
	var made cloudPull
	err := p.session.Post(ctx, map[string]any{
		"title": c.Title, "description": c.Body, "source": end(c.Branch), "destination": end(c.Base), "close_source_branch": true,
	}, &made, nil, "repositories", p.owner, p.repo, "pullrequests")
	return opened(made.ID, p.owner+"/"+p.repo, err)
}

// Create opens a pull request and returns its number.
func (p *ServerPulls) Create(ctx context.Context, c rest.Change) (int64, error) {
	end := func(branch string) map[string]any {
		return map[string]any{"id": "refs/heads/" + branch, "repository": map[string]any{"slug": p.repo, "project": map[string]any{"key": p.project}}}
	}
	var made serverPull
	err := p.session.Post(ctx, map[string]any{
		"title": c.Title, "description": c.Body, "fromRef": end(c.Branch), "toRef": end(c.Base),
	}, &made, nil, "projects", p.project, "repos", p.repo, "pull-requests")
	return opened(made.ID, p.project+"/"+p.repo, err)
}

func opened(number int64, repo string, err error) (int64, error) {
	if err == nil && number == 0 {
		err = fault.New(fault.Transient, "the answer has no number")
	}
	if err != nil {
		return 0, fmt.Errorf("open a pull request in %s: %w", repo, err)
	}
	return number, nil
}
