package gitlab

import (
	"context"
	"fmt"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Create opens a merge request and returns its number.
func (m *Merges) Create(ctx context.Context, c rest.Change) (int64, error) {
	made, _, err := m.client.MergeRequests.CreateMergeRequest(m.project, &gitlab.CreateMergeRequestOptions{
		Title: &c.Title, Description: &c.Body, SourceBranch: &c.Branch, TargetBranch: &c.Base, RemoveSourceBranch: new(true),
	}, gitlab.WithContext(ctx))
	if err != nil {
		return 0, fmt.Errorf("open a merge request in %s: %w", m.project, rest.Cause(err))
	}
	if made.IID == 0 {
		return 0, fault.New(fault.Transient, "open a merge request in %s: the answer has no number", m.project)
	}
	return made.IID, nil
}
