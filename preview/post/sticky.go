package post

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Outcome is what became of a comment.
type Outcome string

// The outcomes. Superseded: a newer one for the same pull request came while
// this one waited, and is posted in its place.
const (
	Created    Outcome = "created"
	Edited     Outcome = "edited"
	Unchanged  Outcome = "unchanged"
	Superseded Outcome = "superseded"
)

// sticky writes the one comment of a pull request.
type sticky struct {
	comments Comments
	accounts Accounts
}

// write edits our comment with the marker that the body begins with; the
// oldest where there are several. A new one is made only where there is none.
func (s sticky) write(ctx context.Context, pull int64, body string) (Outcome, error) {
	marker := markerOf(body)
	if marker == "" {
		return "", fault.New(fault.Invalid, "the text has no marker in its first line")
	}
	me, err := whose(ctx, s.accounts)
	if err != nil {
		return "", err
	}
	all, err := s.comments.List(ctx, pull, time.Time{})
	if err != nil {
		return "", err
	}
	mine := slices.DeleteFunc(all, func(c Comment) bool { return !c.Author.Is(me) || markerOf(c.Body) != marker })
	Sort(mine)
	for _, c := range mine {
		if same(c.Body, body) {
			return Unchanged, nil
		}
		err := s.comments.Edit(ctx, pull, c.ID, body)
		if fault.Of(err) == fault.Missing {
			continue // it was deleted since
		}
		return Edited, err
	}
	_, err = s.comments.Create(ctx, pull, body)
	return Created, err
}

// whose are our credentials?
func whose(ctx context.Context, accounts Accounts) (Author, error) {
	me, err := accounts.Me(ctx)
	if err != nil {
		return me, fmt.Errorf("ask whose the credentials are: %w", err)
	}
	if me.ID == "" && me.Name == "" {
		return me, fault.New(fault.Transient, "ask whose the credentials are: the forge names nobody")
	}
	return me, nil
}

// Sort puts the oldest comment first.
func Sort(all []Comment) {
	slices.SortStableFunc(all, func(a, b Comment) int { return cmp.Or(a.Created.Compare(b.Created), compareIDs(a.ID, b.ID)) })
}

// compareIDs puts numbers in their order.
func compareIDs(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// same compares what forges may keep in another way: ends of lines, and space
// around the whole.
func same(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}
