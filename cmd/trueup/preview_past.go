package main

import (
	"context"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/post"
)

// remember reads off our last comment which heads were previewed before, while
// it is still there. That it cannot be read is no matter: who posts finds out.
func (p *pullPost) remember(ctx context.Context, repository post.Repository, instance string) {
	if p.why != nil {
		return
	}
	me, err := repository.Accounts.Me(ctx)
	if err != nil {
		return
	}
	all, err := repository.Comments.List(ctx, p.job.Number, time.Time{})
	if err != nil {
		return
	}
	marker := post.Body(comment.Marker(instance), p.traits)
	post.Sort(all)
	for _, c := range all {
		first, _, _ := strings.Cut(c.Body, "\n")
		if c.Author.Is(me) && strings.TrimSpace(first) == strings.TrimSpace(marker) {
			p.past = comment.PastOf(c.Body, p.head)
			return
		}
	}
}
