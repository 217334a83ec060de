package gitea

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"code.gitea.io/sdk/gitea"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

type comments struct{ *repository }

// List implements post.Comments.
func (r comments) List(ctx context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	c, err := r.client(ctx)
	if err != nil {
		return nil, err
	}
	var out []post.Comment
	seen := map[int64]bool{}
	err = pages(func(options gitea.ListOptions) (int, *gitea.Response, error) {
		found, resp, err := c.ListIssueComments(r.owner, r.repo, pull, gitea.ListIssueCommentOptions{ListOptions: options, Since: since})
		if err != nil {
			return 0, nil, fmt.Errorf("list the comments of %s: %w", r.name(pull), rest.Cause(err))
		}
		fresh := 0
		for _, one := range found {
			if one == nil || one.ID == 0 {
				return 0, nil, fault.New(fault.Transient, "list the comments of %s: one has no id", r.name(pull))
			}
			if seen[one.ID] {
				continue // some versions give all of them on each page
			}
			seen[one.ID] = true
			fresh++
			out = append(out, post.Comment{ID: strconv.FormatInt(one.ID, 10), Author: author(one.Poster), Body: one.Body, Created: one.Created.UTC()})
		}
		return fresh, resp, nil
	})
	return out, err
}

// Create implements post.Comments.
func (r comments) Create(ctx context.Context, pull int64, body string) (string, error) {
	c, err := r.client(ctx)
	if err != nil {
		return "", err
	}
	one, _, err := c.CreateIssueComment(r.owner, r.repo, pull, gitea.CreateIssueCommentOption{Body: body})
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", r.name(pull), rest.Cause(err))
	}
	return strconv.FormatInt(one.ID, 10), nil
}

// Edit implements post.Comments.
func (r comments) Edit(ctx context.Context, pull int64, id, body string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "edit a comment in %s: %q is no id", r.name(pull), id)
	}
	c, err := r.client(ctx)
	if err != nil {
		return err
	}
	if _, _, err := c.EditIssueComment(r.owner, r.repo, number, gitea.EditIssueCommentOption{Body: body}); err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, r.name(pull), rest.Cause(err))
	}
	return nil
}

// SetStatus implements post.Statuses. Gitea adds to a list of which it shows
// the latest of each context; what it shows already is not added again.
func (r *repository) SetStatus(ctx context.Context, _ int64, commit string, s post.Status) error {
	c, err := r.client(ctx)
	if err != nil {
		return err
	}
	state := map[post.State]gitea.StatusState{
		post.Pending: gitea.StatusPending, post.Success: gitea.StatusSuccess, post.Neutral: gitea.StatusSuccess, post.Failure: gitea.StatusFailure,
	}[s.State]
	want := gitea.CreateStatusOption{State: state, Context: s.Context, Description: post.Short(s.Description, maxDescription), TargetURL: s.URL}
	shown, _, err := c.GetCombinedStatus(r.owner, r.repo, commit)
	if err != nil {
		return fmt.Errorf("read the statuses of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
	}
	if slices.ContainsFunc(shown.Statuses, func(now *gitea.Status) bool {
		return now != nil && now.Context == want.Context && now.State == want.State && now.Description == want.Description && now.TargetURL == want.TargetURL
	}) {
		return nil
	}
	if _, _, err := c.CreateStatus(r.owner, r.repo, commit, want); err != nil {
		return fmt.Errorf("set a status of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
	}
	return nil
}

const maxDescription = 255
