package github

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

type comments struct{ *repository }

// List implements post.Comments.
func (r comments) List(ctx context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	options := &github.IssueListCommentsOptions{}
	if !since.IsZero() {
		options.Since = &since
	}
	var out []post.Comment
	err := rest.Pages(func(page int) (bool, error) {
		options.ListOptions = github.ListOptions{Page: page, PerPage: perPage}
		found, resp, err := r.client.Issues.ListComments(ctx, r.owner, r.repo, int(pull), options)
		if err != nil {
			return false, fmt.Errorf("list the comments of %s: %w", r.name(pull), rest.Cause(err))
		}
		for _, c := range found {
			if c.GetID() == 0 {
				return false, fault.New(fault.Transient, "list the comments of %s: one has no id", r.name(pull))
			}
			out = append(out, post.Comment{ID: strconv.FormatInt(c.GetID(), 10), Author: author(c.GetUser()), Body: c.GetBody(), Created: c.GetCreatedAt().UTC()})
		}
		return resp.NextPage > page || len(found) >= perPage, nil
	})
	return out, err
}

// Create implements post.Comments.
func (r comments) Create(ctx context.Context, pull int64, body string) (string, error) {
	c, _, err := r.client.Issues.CreateComment(ctx, r.owner, r.repo, int(pull), &github.IssueComment{Body: &body})
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", r.name(pull), rest.Cause(err))
	}
	return strconv.FormatInt(c.GetID(), 10), nil
}

// Edit implements post.Comments.
func (r comments) Edit(ctx context.Context, pull int64, id, body string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "edit a comment in %s: %q is no id", r.name(pull), id)
	}
	if _, _, err := r.client.Issues.EditComment(ctx, r.owner, r.repo, number, &github.IssueComment{Body: &body}); err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, r.name(pull), rest.Cause(err))
	}
	return nil
}
