package gitlab

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Merges are the merge requests of one project.
type Merges struct {
	client         *gitlab.Client
	project, state string
	labels         []string
}

// NewMerges opens a project. State is opened, closed, merged, locked, or empty
// for all of them, which is what Argo CD's generator means by it.
func NewMerges(session *rest.Session, api, project, state string, labels []string) (*Merges, error) {
	if project == "" {
		return nil, fault.New(fault.Invalid, "project is empty")
	}
	switch state {
	case "", "all", "opened", "closed", "merged", "locked":
	default:
		return nil, fault.New(fault.Invalid, "pullRequestState is %q: opened, closed, merged or locked", state)
	}
	c, err := client(session, api)
	return &Merges{c, project, state, labels}, err
}

// List gives those of the state.
func (m *Merges) List(ctx context.Context) ([]appset.PullRequest, error) {
	var out []appset.PullRequest
	err := m.each(ctx, func(one *gitlab.BasicMergeRequest) { out = append(out, value(one)) })
	return out, err
}

// each shows those of the state.
func (m *Merges) each(ctx context.Context, see func(*gitlab.BasicMergeRequest)) error {
	return rest.Pages(func(page int) (bool, error) {
		options := &gitlab.ListProjectMergeRequestsOptions{ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage}}
		if m.state != "" {
			options.State = &m.state
		}
		if len(m.labels) > 0 {
			options.Labels = (*gitlab.LabelOptions)(&m.labels)
		}
		found, resp, err := m.client.MergeRequests.ListProjectMergeRequests(m.project, options, gitlab.WithContext(ctx))
		if err != nil {
			return false, fmt.Errorf("list the merge requests of %s: %w", m.project, rest.Cause(err))
		}
		for _, one := range found {
			if one == nil {
				return false, fault.New(fault.Transient, "list the merge requests of %s: one is empty", m.project)
			}
			see(one)
		}
		return resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
}

// Find gives one, and whether it is in the state and labelled as List asks for.
// One that is not there is fault.Missing.
func (m *Merges) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	one, _, err := m.client.MergeRequests.GetMergeRequest(m.project, number, nil, gitlab.WithContext(ctx))
	if err != nil {
		return appset.PullRequest{}, false, fmt.Errorf("read the merge request %s!%d: %w", m.project, number, rest.Cause(err))
	}
	switch one.State {
	case "opened", "closed", "merged", "locked":
	default:
		return appset.PullRequest{}, false, fault.New(fault.Transient, "read the merge request %s!%d: its state is %q", m.project, number, one.State)
	}
	return value(&one.BasicMergeRequest), labelled(one.Labels, m.labels) && (m.state == "" || m.state == "all" || m.state == one.State), nil
}

// labelled reads labels as GitLab's lists do: commas are between several, None
// and Any count before all others, and scope::* is any label of the scope.
func labelled(have, want []string) bool {
	var all []string
	special := map[string]bool{}
	for _, text := range want {
		for _, one := range strings.Split(text, ",") {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
				special[strings.ToLower(one)] = true
			}
		}
	}
	switch {
	case special["none"]:
		return len(have) == 0
	case special["any"]:
		return len(have) > 0
	}
	for _, one := range all {
		scope, wild := strings.CutSuffix(one, "::*")
		if !slices.ContainsFunc(have, func(l string) bool { return l == one || wild && strings.HasPrefix(l, scope+"::") }) {
			return false
		}
	}
	return true
}

// Exists is fault.Missing where the project is not there.
func (m *Merges) Exists(ctx context.Context) error {
	if _, _, err := m.client.Projects.GetProject(m.project, nil, gitlab.WithContext(ctx)); err != nil {
		return fmt.Errorf("read the project %s: %w", m.project, rest.Cause(err))
	}
	return nil
}

func value(m *gitlab.BasicMergeRequest) appset.PullRequest {
	out := appset.PullRequest{
		Number: m.IID, Title: m.Title, Branch: m.SourceBranch, TargetBranch: m.TargetBranch, HeadSHA: m.SHA, Labels: m.Labels,
	}
	if m.Author != nil {
		out.Author = m.Author.Username
	}
	if m.UpdatedAt != nil {
		out.Updated = m.UpdatedAt.UTC()
	}
	return out
}
