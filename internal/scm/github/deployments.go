package github

import (
	"context"
	"fmt"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// task tells our deployments from those of others.
const task = "deploy:trueup"

// Deploy implements post.Deployments.
func (r *repository) Deploy(ctx context.Context, d post.Deployment) error {
	fail := func(err error) error {
		return fmt.Errorf("record the deployment of %s/%s@%.7s to %s: %w", r.owner, r.repo, d.Commit, d.Environment, rest.Cause(err))
	}
	found, _, err := r.client.Repositories.ListDeployments(ctx, r.owner, r.repo, &github.DeploymentsListOptions{SHA: d.Commit, Environment: d.Environment, Task: task})
	if err != nil {
		return fail(err)
	}
	var id int64
	if len(found) > 0 {
		id = found[0].GetID()
	} else {
		// It happens already: nothing is to be merged or waited for.
		made, _, err := r.client.Repositories.CreateDeployment(ctx, r.owner, r.repo, &github.DeploymentRequest{
			Ref: &d.Commit, Task: new(task), Environment: &d.Environment, AutoMerge: new(false), RequiredContexts: &[]string{},
			Description: new(post.Short(d.Description, maxDescription)),
		})
		if err != nil {
			return fail(err)
		}
		id = made.GetID()
	}
	state := map[post.State]string{post.Pending: "in_progress", post.Success: "success", post.Neutral: "success", post.Failure: "failure"}[d.State]
	statuses, _, err := r.client.Repositories.ListDeploymentStatuses(ctx, r.owner, r.repo, id, &github.ListOptions{PerPage: 1})
	if err != nil {
		return fail(err)
	}
	description := post.Short(d.Description, maxDescription)
	if len(statuses) > 0 && statuses[0].GetState() == state && statuses[0].GetDescription() == description { // the latest comes first
		return nil
	}
	request := &github.DeploymentStatusRequest{State: &state, Description: &description, AutoInactive: new(true)}
	if d.URL != "" {
		request.LogURL = &d.URL
	}
	if _, _, err := r.client.Repositories.CreateDeploymentStatus(ctx, r.owner, r.repo, id, request); err != nil {
		return fail(err)
	}
	return nil
}
