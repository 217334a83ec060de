package gitlab

import (
	"context"
	"fmt"
	"strconv"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

type comments struct{ *repository }

// List implements post.Comments. GitLab cannot be asked for those since a
// time; the latest come first then, so that old pages stay unread.
func (p comments) List(ctx context.Context, merge int64, since time.Time) ([]post.Comment, error) {
	options := &gitlab.ListMergeRequestNotesOptions{OrderBy: new("created_at"), Sort: new("asc")}
	if !since.IsZero() {
		options.OrderBy, options.Sort = new("updated_at"), new("desc")
	}
	var out []post.Comment
	err := rest.Pages(func(page int) (bool, error) {
		options.ListOptions = gitlab.ListOptions{Page: int64(page), PerPage: perPage}
		found, resp, err := p.client.Notes.ListMergeRequestNotes(p.project, merge, options, gitlab.WithContext(ctx))
		if err != nil {
			return false, fmt.Errorf("list the comments of %s: %w", p.name(merge), rest.Cause(err))
		}
		for _, n := range found {
			if n == nil || n.ID == 0 {
				return false, fault.New(fault.Transient, "list the comments of %s: one has no id", p.name(merge))
			}
			if n.UpdatedAt != nil && n.UpdatedAt.Before(since) {
				return false, nil
			}
			if n.System || n.Type == gitlab.DiffNote {
				continue
			}
			c := post.Comment{ID: strconv.FormatInt(n.ID, 10), Author: author(n.Author.ID, n.Author.Username), Body: n.Body}
			if n.CreatedAt != nil {
				c.Created = n.CreatedAt.UTC()
			}
			out = append(out, c)
		}
		return resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
	post.Sort(out)
	return out, err
}

// Create implements post.Comments.
func (p comments) Create(ctx context.Context, merge int64, body string) (string, error) {
	n, _, err := p.client.Notes.CreateMergeRequestNote(p.project, merge, &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", p.name(merge), rest.Cause(err))
	}
	return strconv.FormatInt(n.ID, 10), nil
}

// Edit implements post.Comments.
func (p comments) Edit(ctx context.Context, merge int64, id, body string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "edit a comment in %s: %q is no id", p.name(merge), id)
	}
	if _, _, err := p.client.Notes.UpdateMergeRequestNote(p.project, merge, number, &gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx)); err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, p.name(merge), rest.Cause(err))
	}
	return nil
}
