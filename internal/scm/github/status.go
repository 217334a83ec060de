package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

const (
	maxDescription = 140
	// maxSummary is of a check run, in bytes.
	maxSummary = 65_535
)

// SetStatus implements post.Statuses: with a check run where we are an app,
// which may make them, else with a commit's status. Nothing is written where
// it says so already: GitHub takes 1,000 statuses of one commit and context.
func (r *repository) SetStatus(ctx context.Context, _ int64, commit string, s post.Status) error {
	if r.app {
		return r.check(ctx, commit, s)
	}
	state := s.State
	if state == post.Neutral {
		state = post.Success
	}
	want := github.RepoStatus{State: new(string(state)), Context: &s.Context, Description: new(post.Short(s.Description, maxDescription))}
	if s.URL != "" {
		want.TargetURL = &s.URL
	}
	if now, err := r.status(ctx, commit, s.Context); err != nil {
		return err
	} else if now != nil && now.GetState() == want.GetState() && now.GetDescription() == want.GetDescription() && now.GetTargetURL() == want.GetTargetURL() {
		return nil
	}
	if _, _, err := r.client.Repositories.CreateStatus(ctx, r.owner, r.repo, commit, want); err != nil {
		return fmt.Errorf("set a status of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
	}
	return nil
}

// status is the latest one of a context; nil is none.
func (r *repository) status(ctx context.Context, commit, name string) (*github.RepoStatus, error) {
	var out *github.RepoStatus
	err := rest.Pages(func(page int) (bool, error) {
		found, resp, err := r.client.Repositories.GetCombinedStatus(ctx, r.owner, r.repo, commit, &github.ListOptions{Page: page, PerPage: perPage})
		if err != nil {
			return false, fmt.Errorf("read the statuses of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
		}
		if i := slices.IndexFunc(found.Statuses, func(s *github.RepoStatus) bool { return s.GetContext() == name }); i >= 0 {
			out = found.Statuses[i]
			return false, nil
		}
		return resp.NextPage > page, nil
	})
	return out, err
}

// check writes a check run: the one of the same name where it is under way or
// its end is corrected, else a new one, which GitHub shows in the old one's
// place.
func (r *repository) check(ctx context.Context, commit string, s post.Status) error {
	found, _, err := r.client.Checks.ListCheckRunsForRef(ctx, r.owner, r.repo, commit, &github.ListCheckRunsOptions{CheckName: &s.Context, Filter: new("latest")})
	if err != nil {
		return fmt.Errorf("read the check runs of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
	}
	status, conclusion := new("completed"), new(string(s.State))
	if s.State == post.Pending {
		status, conclusion = new("in_progress"), nil
	}
	output := &github.CheckRunOutput{Title: new(cmp.Or(post.Short(s.Description, maxDescription), s.Context)), Summary: new(cmp.Or(fit(s.Summary), post.Short(s.Description, maxDescription), s.Context))}
	var url *string
	if s.URL != "" {
		url = &s.URL
	}
	var now *github.CheckRun
	if len(found.CheckRuns) > 0 {
		now = found.CheckRuns[0]
	}
	switch {
	case now != nil && now.GetStatus() == *status && now.GetConclusion() == deref(conclusion) && now.GetDetailsURL() == deref(url) &&
		now.GetOutput().GetTitle() == output.GetTitle() && now.GetOutput().GetSummary() == output.GetSummary():
		return nil
	case now != nil && (now.GetStatus() != "completed" || s.State != post.Pending):
		_, _, err = r.client.Checks.UpdateCheckRun(ctx, r.owner, r.repo, now.GetID(), github.UpdateCheckRunOptions{
			Name: s.Context, Status: status, Conclusion: conclusion, DetailsURL: url, Output: output,
		})
	default:
		_, _, err = r.client.Checks.CreateCheckRun(ctx, r.owner, r.repo, github.CreateCheckRunOptions{
			Name: s.Context, HeadSHA: commit, Status: status, Conclusion: conclusion, DetailsURL: url, Output: output,
		})
	}
	if err != nil {
		return fmt.Errorf("write a check run of %s/%s@%.7s: %w", r.owner, r.repo, commit, rest.Cause(err))
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// fit cuts a summary that is too long at the end of a line.
func fit(text string) string {
	const note = "\n\nThe rest has no room here.\n"
	if len(text) <= maxSummary {
		return text
	}
	cut := maxSummary - len(note)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	text = text[:cut]
	if i := strings.LastIndexByte(text, '\n'); i > 0 {
		text = text[:i]
	}
	return text + note
}
