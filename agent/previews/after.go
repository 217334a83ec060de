package previews

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/show"
)

// Applied is the name of the status of a merge.
const Applied = "trueup/applied"

// maxEnvironments bounds the records of deployments of one merge.
const maxEnvironments = 50

// after tells what became of a merge: in the comment, in a status of its
// commit, and in records of deployments where the forge keeps them.
func (s *Service) after(ctx context.Context, rd *round) error {
	number := rd.pull.Number
	if !rd.has || rd.state.Settled {
		rd.w.follows(number, nil)
		return nil
	}
	if why := rd.unseen(); why != "" {
		return s.unseen(ctx, rd, why)
	}
	now := s.o.Clock.Now()
	if rd.state.Merged == 0 {
		rd.state.Merged = now.Unix()
	}
	out := follow.Outcome{
		Merge: cmp.Or(rd.pull.Merge, rd.pull.Head), Cut: rd.state.Cut, Over: now.Unix()-rd.state.Merged > int64(s.o.Follow.Seconds()),
	}
	rd.w.follows(number, rd.state.Apps)
	merge := Merge{Repository: rd.r, Commit: out.Merge, Branch: rd.pull.Target}
	for _, app := range rd.state.Apps {
		seen, err := s.o.Applications.Seen(ctx, merge, app)
		if err != nil {
			return fmt.Errorf("look at the application %s after the merge: %w", app.Name, err)
		}
		out.Apps = append(out.Apps, follow.Judge(app, seen))
	}
	rd.state.Settled = out.Settled()
	if !rd.state.Settled {
		rd.w.later(number, now.Add(s.o.Interval))
	}
	digest, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("compare with what was told of the merge: %w", err)
	}
	if rd.w.news(number, string(digest)) {
		if err := s.tell(ctx, rd, out); err != nil {
			return err
		}
		rd.w.toldNews(number, string(digest))
	}
	if rd.state.Settled {
		rd.w.follows(number, nil)
		s.o.Log.Info("a merge is applied", "repository", rd.r.Name, "pull", number, "commit", out.Merge, "result", out.Words())
	}
	return nil
}

// tell posts the state of a merge. The comment, which says that nothing more is
// to come, is last.
func (s *Service) tell(ctx context.Context, rd *round, out follow.Outcome) error {
	_, err := rd.w.poster.Status(ctx, rd.pull.Number, out.Merge, post.Status{
		Context: s.context(Applied), State: out.State(), Description: out.Words(), URL: rd.pull.URL,
	})
	if err != nil {
		return err
	}
	for i, e := range out.Environments() {
		if rd.forge.Deployments == nil || i == maxEnvironments {
			break
		}
		if e.Cluster == "" {
			continue
		}
		err := rd.forge.Deployments.Deploy(ctx, post.Deployment{
			Environment: e.Cluster, Commit: out.Merge, Ref: rd.pull.Target, State: e.State(), Description: e.Words(), URL: rd.pull.URL,
		})
		if err != nil {
			return err
		}
	}
	_, err = rd.w.poster.Comment(ctx, rd.pull.Number, out.Into(rd.state.With(rd.own.Body)))
	return err
}

// unseen says why it is not known which applications the pull request changes;
// empty is that it is. What was merged is compared once: a branch may go on
// after the merge, and some forges call its end the head then.
func (rd *round) unseen() string {
	switch was := rd.state; {
	case was.Head == "" || was.Failures > 0 || was.Asked:
		return "there is no preview that tells which applications the pull request changes"
	case was.Head != rd.pull.Head && was.Merged == 0:
		return "the preview is of " + show.Commit(was.Head) + ", and the head of the pull request is " + show.Commit(rd.pull.Head)
	}
	return ""
}

// unseen ends what was merged before it was previewed.
func (s *Service) unseen(ctx context.Context, rd *round, why string) error {
	rd.w.follows(rd.pull.Number, nil)
	rd.state = follow.State{Settled: true, At: s.o.Clock.Now().Unix()}
	body := s.marker() + "\n### Preview: it was merged before there was one\n\nWhich applications it changes is not known, so they are not followed: " + markdown.Text(why) + ".\n"
	if _, err := rd.w.poster.Comment(ctx, rd.pull.Number, rd.state.With(comment.WithPast(body, rd.past()))); err != nil {
		return err
	}
	return s.mark(ctx, rd, post.Status{State: post.Neutral, Description: "it was merged before there was a preview"})
}
