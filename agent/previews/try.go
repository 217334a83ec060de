package previews

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/queue"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
)

// postTime bounds what is posted at the end, beside the preview itself.
const postTime = 6 * time.Minute

// errTooLong is what a preview ends with that takes longer than it may.
var errTooLong = errors.New("it took too long")

// try previews a pull request and posts what it finds. A newer head, and the
// end of the pull request, stop it, and nothing is posted then.
func (s *Service) try(ctx context.Context, j queue.Job) error {
	began := s.o.Clock.Now()
	rd, err := s.read(ctx, j)
	if err != nil || rd == nil || rd.pull.State != post.Open {
		return err
	}
	s.trials.learn(j, rd.pull.Head)
	report, err := s.render(ctx, rd)
	took := s.o.Clock.Now().Sub(began)
	if ctx.Err() != nil {
		s.o.Metrics.Previewed("superseded", took)
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	if err != nil {
		s.o.Metrics.Previewed("failed", took)
		s.o.Log.Error(err, "a preview failed", "repository", rd.r.Name, "pull", rd.pull.Number, "head", rd.pull.Head)
		return s.failed(ctx, rd, err)
	}
	state, word := verdict(report, rd.r.Settings.FailOn)
	s.o.Metrics.Previewed(word, took)
	s.o.Log.Info("previewed", "repository", rd.r.Name, "pull", rd.pull.Number, "head", rd.pull.Head, "result", word, "seconds", took.Seconds())
	return s.post(ctx, rd, report, state)
}

// render is bounded in time, and stops with its context.
func (s *Service) render(ctx context.Context, rd *round) (preview.Report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, errTooLong)
	defer cancel()
	report, err := s.o.Previewer.Preview(ctx, rd.r, rd.pull)
	if errors.Is(context.Cause(ctx), errTooLong) {
		return report, fault.New(fault.Transient, "it took longer than %s", s.o.Timeout)
	}
	return report, err
}

// verdict is the state of the status, and a word for metrics. What base fails
// at already fails no change.
func verdict(r preview.Report, failOn risk.Severity) (post.State, string) {
	for _, f := range r.AllRisks() {
		if f.Severity.AtLeast(failOn) {
			return post.Failure, "risky"
		}
	}
	switch {
	case r.Broken() > 0:
		return post.Failure, "incomplete"
	case r.Changed() > 0 || len(r.Apps) > 0:
		return post.Neutral, "changed"
	}
	return post.Success, "unchanged"
}

// failed tells that there is no preview.
func (s *Service) failed(ctx context.Context, rd *round, why error) error {
	state := follow.State{
		Head: rd.pull.Head, Key: rd.r.Settings.key(), At: s.o.Clock.Now().Unix(), Failures: rd.state.Failures + 1, Lasting: !fault.Retryable(why),
	}
	if base, err := s.o.Previewer.Base(ctx, rd.r, rd.pull.Target); err == nil {
		state.Base = base
	}
	body := comment.Failed(s.o.Instance, rd.pull.Head, why, "") + "\n<sub>in a comment: " + markdown.Code("/trueup preview") + " tries again</sub>\n"
	_, err := rd.w.poster.Comment(ctx, rd.pull.Number, state.With(comment.WithPast(body, rd.past())))
	if !state.Lasting {
		rd.w.later(rd.pull.Number, s.o.Clock.Now().Add(min(firstRetry<<min(state.Failures-1, 10), longestRetry)))
	}
	return errors.Join(err, s.mark(ctx, rd, post.Status{State: post.Failure, Description: "the preview failed"}))
}

// post posts a report: the page first, which the comment and the status link.
func (s *Service) post(ctx context.Context, rd *round, report preview.Report, verdict post.State) error {
	url := ""
	if s.o.Pages != nil {
		var err error
		if url, err = s.o.Pages.Keep(rd.r.Name, rd.pull.Number, report); err != nil {
			s.o.Log.Error(err, "the page of a preview is not kept", "repository", rd.r.Name, "pull", rd.pull.Number)
		}
	}
	state := follow.State{Head: rd.pull.Head, Base: report.Base, Key: rd.r.Settings.key(), At: s.o.Clock.Now().Unix(), Apps: follow.Apps(report)}
	traits := rd.forge.Traits(ctx)
	body := comment.Write(report, comment.Options{
		Limit: traits.Limit - len(state.Line()) - follow.Room, Instance: s.o.Instance, Alerts: traits.Alerts, Full: url, Past: rd.past(),
		Verbs: []string{"/trueup preview", "/trueup sync", "/trueup help"}, Command: again(rd, report),
	})
	if _, err := rd.w.poster.Comment(ctx, rd.pull.Number, state.With(body)); err != nil {
		return err
	}
	// A pull request that is merged now has the comment, and must not keep a
	// status that says that a preview is to come.
	ctx, done := s.steady(ctx, postTime)
	defer done()
	err := s.mark(ctx, rd, post.Status{
		State: verdict, Description: show.Summary(report), URL: url, Summary: summary(rd, report, traits),
	})
	if err != nil {
		return fmt.Errorf("the comment of the preview is posted: %w", err)
	}
	return nil
}

// summary is for forges that show a page of a status.
func summary(rd *round, r preview.Report, traits post.Traits) string {
	const most = 60_000
	return comment.Write(r, comment.Options{Limit: most, Instance: "summary", Alerts: traits.Alerts, Command: again(rd, r)})
}

// again are the words of a command that previews the same on a machine that may
// read the repository.
func again(rd *round, r preview.Report) []string {
	words := []string{"trueup", "preview"}
	if url := repourl.Bare(rd.r.URLs[0]); url != "" {
		words = append(words, "--repo", url)
	}
	words = append(words, "--base", rd.pull.Target, "--head", rd.pull.Head)
	if r.Untrusted {
		words = append(words, "--untrusted")
	}
	return words
}
