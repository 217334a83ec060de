package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

const maxDescription = 255

// SetStatus implements post.Statuses. GitLab refuses a status that is so
// already; that is no error.
func (p *repository) SetStatus(ctx context.Context, _ int64, commit string, s post.Status) error {
	state := map[post.State]gitlab.BuildStateValue{
		post.Pending: gitlab.Running, post.Success: gitlab.Success, post.Neutral: gitlab.Success, post.Failure: gitlab.Failed,
	}[s.State]
	description := post.Short(s.Description, maxDescription)
	found, _, err := p.client.Commits.GetCommitStatuses(p.project, commit, &gitlab.GetCommitStatusesOptions{Name: &s.Context}, gitlab.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("read the statuses of %s@%.7s: %w", p.project, commit, rest.Cause(err))
	}
	for _, now := range found { // one for each ref
		if now.Status == string(state) && now.Description == description && now.TargetURL == s.URL {
			return nil
		}
	}
	options := &gitlab.SetCommitStatusOptions{State: state, Name: &s.Context, Description: &description}
	if s.URL != "" {
		options.TargetURL = &s.URL
	}
	_, _, err = p.client.Commits.SetCommitStatus(p.project, commit, options, gitlab.WithContext(ctx))
	if err = rest.Cause(err); err != nil && rest.Status(err) == http.StatusBadRequest && strings.Contains(err.Error(), "Cannot transition status") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("set a status of %s@%.7s: %w", p.project, commit, err)
	}
	return nil
}

// Deploy implements post.Deployments. GitLab keeps neither a description nor
// an address of a deployment.
func (p *repository) Deploy(ctx context.Context, d post.Deployment) error {
	fail := func(err error) error {
		return fmt.Errorf("record the deployment of %s@%.7s to %s: %w", p.project, d.Commit, d.Environment, rest.Cause(err))
	}
	state := map[post.State]gitlab.DeploymentStatusValue{
		post.Pending: gitlab.DeploymentStatusRunning, post.Success: gitlab.DeploymentStatusSuccess, post.Neutral: gitlab.DeploymentStatusSuccess,
		post.Failure: gitlab.DeploymentStatusFailed,
	}[d.State]
	now, err := p.deployment(ctx, d)
	switch {
	case err != nil:
		return fail(err)
	case now == nil:
		_, _, err = p.client.Deployments.CreateProjectDeployment(p.project, &gitlab.CreateProjectDeploymentOptions{
			Environment: &d.Environment, Ref: &d.Ref, SHA: &d.Commit, Tag: new(false), Status: &state,
		}, gitlab.WithContext(ctx))
	case now.Status != string(state):
		_, _, err = p.client.Deployments.UpdateProjectDeployment(p.project, now.ID, &gitlab.UpdateProjectDeploymentOptions{Status: &state}, gitlab.WithContext(ctx))
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// deployment is the latest one of a commit to an environment; nil is none. It
// looks at the last hundred of the environment: an older one was overtaken.
func (p *repository) deployment(ctx context.Context, d post.Deployment) (*gitlab.Deployment, error) {
	found, _, err := p.client.Deployments.ListProjectDeployments(p.project, &gitlab.ListProjectDeploymentsOptions{
		ListOptions: gitlab.ListOptions{PerPage: perPage}, Environment: &d.Environment, OrderBy: new("id"), Sort: new("desc"),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		if one != nil && one.SHA == d.Commit {
			return one, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}
