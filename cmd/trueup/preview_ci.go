package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm"
	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
	"github.com/trueup-dev/trueup/preview/trial"
)

// ciOptions say to which pull request a preview is posted.
type ciOptions struct {
	env        ci.Environment
	here       bool
	pull       string
	forge, api string
	instance   string
	full       string
	// target is the branch to merge into, where the base is a commit of it.
	target string
	// trusts: the command line says that a change from a fork is trusted.
	trusts bool
}

func (o *ciOptions) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.here, "ci", false, "post to the pull request of this CI job: a comment, a status, a summary; print Markdown where that cannot be done")
	flags.StringVar(&o.pull, "pr", "", "post to this pull request: its number, or its address")
	flags.StringVar(&o.forge, "forge", "", "kind of the forge where its address does not tell: "+strings.Join(ci.Forges(), ", "))
	flags.StringVar(&o.api, "forge-url", "", "address of the forge, where the repository's remote does not tell")
	flags.StringVar(&o.instance, "instance", defaultInstance, "tells the comments and statuses of several previews of one pull request apart")
	flags.StringVar(&o.full, "report-url", "", "address of the whole report, for the comment and the status to link to")
}

const defaultInstance = "ci"

func (o ciOptions) on() bool { return o.here || o.pull != "" }

// context is the name of the status.
func (o ciOptions) context() string {
	if o.instance == defaultInstance {
		return post.Context
	}
	return post.Context + "/" + o.instance
}

// job is the pull request, as far as it can be told without asking anybody.
func (o previewOptions) job(copied previewRepo) (ci.Job, error) {
	job, err := o.ci.env.Detect()
	if err != nil && (o.ci.here || fault.Of(err) != fault.Missing) {
		return job, fmt.Errorf("find the pull request of this job (--pr names one): %w", err)
	}
	if o.ci.pull != "" {
		number, failed := strconv.ParseInt(o.ci.pull, 10, 64)
		switch {
		case failed != nil:
			if job.Place, number, err = ci.Pull(o.ci.pull); err != nil {
				return job, usageError{err}
			}
		case number <= 0:
			return job, usagef("--pr is %s: the number of a pull request, or its address", o.ci.pull)
		case job.Owner == "":
			if job.Place, err = o.remote(copied); err != nil {
				return job, err
			}
		}
		if number != job.Number { // what the environment says is of another one
			job = ci.Job{System: job.System, Place: job.Place, Number: number, URL: job.URL, Summary: job.Summary, Deeper: job.Deeper, Untold: true}
		}
	}
	job.Forge, job.API = ci.Forge(cmp.Or(o.ci.forge, string(job.Forge))), cmp.Or(o.ci.api, job.API)
	return job, nil
}

// remote is the place that the repository was cloned from.
func (o previewOptions) remote(copied previewRepo) (ci.Place, error) {
	urls, _ := copied.Remotes()
	var failures []error
	for _, url := range slices.Concat(urls, o.urls) {
		place, err := ci.Remote(url, ci.Forge(o.ci.forge), o.ci.api)
		if err == nil {
			return place, nil
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return ci.Place{}, fault.New(fault.Invalid, "find the forge: the repository has no remote; give --pr the address of the pull request")
	}
	return ci.Place{}, fmt.Errorf("find the forge: %w", errors.Join(failures...))
}

// pullPost posts to one pull request. Without a poster, or once posting
// failed, it says why and does nothing more.
type pullPost struct {
	poster *post.Poster
	pulls  post.Pulls
	traits post.Traits
	job    ci.Job
	head   string
	status string // its context
	// past are the heads that our last comment tells of.
	past       []comment.Past
	repository post.Repository
	why        error
}

// connect opens the pull request. That it cannot be posted to is no error.
func (o previewOptions) connect(ctx context.Context, job ci.Job) (*pullPost, func(), error) {
	p := &pullPost{job: job, head: job.Head, traits: post.Traits{HTML: true, Alerts: true}, status: o.ci.context()}
	if job.Number == 0 {
		p.why = errors.New("the job is not of a pull request")
		return p, func() {}, nil
	}
	token, names := o.ci.env.Token(job.Forge)
	switch {
	case token.Value == "" && job.Fork:
		p.why = fmt.Errorf("there is no token in %s; jobs of changes from forks get none", strings.Join(names, ", "))
	case token.Value == "":
		p.why = fmt.Errorf("there is no token in %s", strings.Join(names, ", "))
	case token.Job:
		p.why = errors.New("the token of a job of GitLab may not comment: give one that may, with the scope api, in GITLAB_TOKEN")
	}
	if p.why != nil {
		return p, func() {}, nil
	}
	forges := scm.New(scm.Options{})
	repository, err := forges.Connect(ctx, job.Place, token)
	if err != nil {
		forges.Close()
		return p, nil, err
	}
	p.repository = repository
	p.poster, p.pulls, p.traits = post.NewPoster(repository, post.Options{}), repository.Pulls, repository.Traits(ctx)
	return p, forges.Close, nil
}

// read asks the forge for what the job does not tell.
func (p *pullPost) read(ctx context.Context) {
	if p.why != nil {
		return
	}
	pull, err := p.pulls.Pull(ctx, p.job.Number)
	if err != nil {
		p.why = err
		return
	}
	// What the job was started for is previewed, also where more was pushed.
	p.head = cmp.Or(p.head, pull.Head)
	p.job.Target, p.job.Base, p.job.Fork = pull.Target, pull.Base, pull.Fork || p.job.Fork
	p.job.Untold = false
}

// comment posts a text, unless the pull request has another head by now: its
// own job posts then.
func (p *pullPost) comment(ctx context.Context, body string) {
	if p.why != nil {
		return
	}
	pull, err := p.pulls.Pull(ctx, p.job.Number)
	if err == nil && p.head != "" && pull.Head != p.head {
		err = fmt.Errorf("the pull request has another head by now, %.7s", pull.Head)
	}
	if err == nil {
		_, err = p.poster.Comment(ctx, p.job.Number, body)
	}
	p.why = err
}

// mark sets the status of the head.
func (p *pullPost) mark(ctx context.Context, state post.State, description, url string) {
	if p.poster == nil || p.head == "" {
		return
	}
	_, err := p.poster.Status(ctx, p.job.Number, p.head, post.Status{Context: p.status, State: state, Description: description, URL: cmp.Or(url, p.job.URL)})
	if p.why == nil {
		p.why = err
	}
}

// previewPull previews a pull request and posts what it finds.
func previewPull(ctx context.Context, o previewOptions, s streams) error {
	if o.ci.forge != "" {
		if err := oneOf("--forge", o.ci.forge, ci.Forges()...); err != nil {
			return err
		}
	}
	copied, closeCopy, err := o.repository(ctx)
	if err != nil {
		return err
	}
	defer closeCopy()
	job, err := o.job(copied)
	if err != nil {
		return err
	}
	p, done, err := o.connect(ctx, job)
	if err != nil {
		return err
	}
	defer done()
	p.read(ctx)
	report, change, err := p.preview(ctx, o, copied, s)
	if err != nil {
		p.failed(ctx, o, err)
		return err
	}
	ended := verdict(report, risk.Severity(o.failOn), s)
	repo := o.repo
	if urls, _ := copied.Remotes(); !isURL(repo) {
		repo = slices.Concat(urls, []string{""})[0]
	}
	o.untrusted = report.Untrusted
	body := func(limit int, alerts bool) string {
		return comment.Write(report, comment.Options{Limit: limit, Instance: o.ci.instance, Alerts: alerts, Full: o.ci.full, Command: o.again(repo, change), Past: p.past})
	}
	p.comment(ctx, body(p.traits.Limit, p.traits.Alerts))
	p.mark(ctx, stateOf(ended, report), show.Summary(report), o.ci.full)
	if err := summarize(job.Summary, body(maxSummary, true)); err != nil {
		fmt.Fprintf(s.err, "warning: %v\n", err)
	}
	if p.why != nil {
		fmt.Fprintf(s.err, "trueup: not posted: %s\n", printable(p.why))
	} else {
		fmt.Fprintf(s.err, "trueup: posted to %s, pull request %d\n", job.Place, job.Number)
	}
	if p.why != nil && o.output == "text" {
		_, err = fmt.Fprint(s.out, body(0, true))
	} else {
		err = o.print(report, change, s)
	}
	if err != nil {
		return err
	}
	return ended
}

// preview says that it begins, and previews.
func (p *pullPost) preview(ctx context.Context, o previewOptions, copied previewRepo, s streams) (preview.Report, trial.Change, error) {
	if err := o.sides(copied, p); err != nil {
		return preview.Report{}, trial.Change{}, err
	}
	o.untrusted = o.untrusted || (p.job.Fork || p.job.Untold) && !o.ci.trusts
	if p.job.Untold && !o.ci.trusts {
		fmt.Fprintf(s.err, "trueup: the change is not trusted, for it is not known whether it comes from a fork (--untrusted=false trusts it): %v\n", p.why)
	}
	p.remember(ctx, p.repository, o.ci.instance)
	p.comment(ctx, comment.WithPast(comment.Placeholder(o.ci.instance, o.head), p.past))
	p.mark(ctx, post.Pending, "looking for what changes", "")
	return o.report(ctx, s)
}

// failed tells that there is no preview. Of a job that was stopped there is
// only the status: the comment may be another job's by now.
func (p *pullPost) failed(ctx context.Context, o previewOptions, err error) {
	const patience = 10 * time.Second
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if stopped {
		p.mark(ctx, post.Failure, "the preview was stopped", "")
		return
	}
	p.comment(ctx, comment.WithPast(comment.Failed(o.ci.instance, p.head, err, p.job.URL), p.past))
	p.mark(ctx, post.Failure, "the preview failed", "")
}

// sides sets what is merged into what, where the command line does not: the
// end of the target branch as the copy has it, and the pull request's head.
func (o *previewOptions) sides(copied previewRepo, p *pullPost) error {
	deeper := cmp.Or(p.job.Deeper, "fetch it")
	if o.base == "" && p.job.Target != "" {
		_, remotes := copied.Remotes()
		refs := []string{}
		for _, remote := range remotes {
			refs = append(refs, "refs/remotes/"+remote+"/"+p.job.Target)
		}
		refs = append(refs, "refs/heads/"+p.job.Target)
		if p.job.Base != "" {
			refs = append(refs, p.job.Base)
		}
		at := slices.IndexFunc(refs, func(ref string) bool {
			_, err := copied.Commit(ref)
			return err == nil
		})
		if at < 0 {
			return fault.New(fault.Missing, "the copy of the repository lacks the branch %s, which the pull request is to be merged into (%s; git fetch origin %s gets the branch)",
				p.job.Target, deeper, p.job.Target)
		}
		o.base, o.ci.target = refs[at], p.job.Target
	}
	if o.head != "HEAD" {
		p.head = o.head
	}
	if p.head != "" {
		commit, err := copied.Commit(p.head)
		if err != nil {
			return fault.New(fault.Missing, "the copy of the repository lacks the head of the pull request, %s (%s)", p.head, deeper)
		}
		o.head, p.head = p.head, commit
	}
	return nil
}

// stateOf is the status of a preview that ended. What a cluster did not answer,
// and what base fails at already, fails no pull request: that is not its fault.
func stateOf(ended error, r preview.Report) post.State {
	var code exitCode
	switch {
	case ended == nil:
		return post.Success
	case errors.As(ended, &code) && (code == exitDrift || code == exitIncomplete && r.Broken() == 0):
		return post.Neutral
	}
	return post.Failure
}

// maxSummary is what GitHub shows of a step, a mebibyte, with a margin.
const maxSummary = 1_000_000

// summarize adds to the file that the CI system shows.
func summarize(file, text string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // it is the system's, which reads it
	if err != nil {
		return fmt.Errorf("write the summary of the job: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the summary of the job: %w", err)
	}
	return nil
}
