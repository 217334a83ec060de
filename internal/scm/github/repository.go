package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// repository is one that previews are posted to.
type repository struct {
	*Pulls
	session *rest.Session
	api     string
	// app: we are a GitHub App, which may make check runs.
	app bool

	mu sync.Mutex
	me post.Author
}

// NewRepository opens a repository that previews are posted to; api is empty
// for github.com. App tells that the session has the token of a GitHub App.
func NewRepository(session *rest.Session, api, owner, repo string, app bool) (post.Repository, error) {
	p, err := NewPulls(session, api, owner, repo)
	if err != nil {
		return post.Repository{}, err
	}
	r := &repository{Pulls: p, session: session, api: api, app: app}
	return post.Repository{
		Comments: comments{r}, Accounts: r, Statuses: r, Pulls: r, Deployments: r,
		// GitHub takes 65,536 characters.
		Traits: func(context.Context) post.Traits { return post.Traits{Limit: 65_000, HTML: true, Alerts: true} },
	}, nil
}

func (r *repository) name(pull int64) string { return fmt.Sprintf("%s/%s#%d", r.owner, r.repo, pull) }

// Me implements post.Accounts. Tokens of apps, GitHub Actions' among them, may
// not ask for the user; GraphQL tells them the name of their bot.
func (r *repository) Me(ctx context.Context) (post.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.me.Name != "" {
		return r.me, nil
	}
	who, err := r.user(ctx)
	if r.app || fault.Of(err) == fault.Denied && rest.Status(err) == http.StatusForbidden {
		who, err = r.viewer(ctx)
	}
	if err != nil {
		return post.Author{}, err
	}
	if who.Name == "" {
		return post.Author{}, fault.New(fault.Transient, "read our user: it has no name")
	}
	r.me = who
	return who, nil
}

func (r *repository) user(ctx context.Context) (post.Author, error) {
	if r.app {
		return post.Author{}, nil
	}
	u, _, err := r.client.Users.Get(ctx, "")
	if err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", rest.Cause(err))
	}
	return author(u), nil
}

func (r *repository) viewer(ctx context.Context) (post.Author, error) {
	var said struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
	}
	call := rest.Call{Method: http.MethodPost, Body: map[string]string{"query": "{viewer{login}}"}, Root: true}
	path := []string{"graphql"}
	if r.api != "" && !strings.HasPrefix(r.client.BaseURL(), "https://api.") { // a server of GitHub Enterprise
		path = []string{"api", "graphql"}
	}
	if err := r.session.Send(ctx, &said, call, path...); err != nil {
		return post.Author{}, fmt.Errorf("read the name of our bot: %w", err)
	}
	return post.Author{Name: said.Data.Viewer.Login}, nil
}

func author(u *github.User) post.Author {
	out := post.Author{Name: u.GetLogin()}
	if id := u.GetID(); id != 0 {
		out.ID = strconv.FormatInt(id, 10)
	}
	return out
}

// MayWrite implements post.Accounts.
func (r *repository) MayWrite(ctx context.Context, who post.Author) (bool, error) {
	if err := rest.Name("user", who.Name); err != nil {
		return false, err
	}
	level, _, err := r.client.Repositories.GetPermissionLevel(ctx, r.owner, r.repo, who.Name)
	if err = rest.Cause(err); fault.Of(err) == fault.Missing {
		return false, nil // no collaborator
	}
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s/%s: %w", who.Name, r.owner, r.repo, err)
	}
	if now := author(level.GetUser()); now.ID != "" && !now.Is(who) {
		return false, nil // the name is somebody else's by now
	}
	return level.GetPermission() == "admin" || level.GetPermission() == "write", nil
}

// Open implements post.Pulls.
func (r *repository) Open(ctx context.Context) ([]post.Pull, error) {
	var out []post.Pull
	err := r.each(ctx, func(p *github.PullRequest) { out = append(out, r.pull(p)) })
	return out, err
}

// Pull implements post.Pulls.
func (r *repository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	p, _, err := r.client.PullRequests.Get(ctx, r.owner, r.repo, int(number))
	if err != nil {
		return post.Pull{}, fmt.Errorf("read the pull request %s: %w", r.name(number), rest.Cause(err))
	}
	if p.GetHead().GetSHA() == "" || p.GetState() != "open" && p.GetState() != "closed" {
		return post.Pull{}, fault.New(fault.Transient, "read the pull request %s: its head is %q and its state %q", r.name(number), p.GetHead().GetSHA(), p.GetState())
	}
	return r.pull(p), nil
}

func (r *repository) pull(p *github.PullRequest) post.Pull {
	out := post.Pull{
		Number: int64(p.GetNumber()), Title: p.GetTitle(), State: post.Open, Author: author(p.GetUser()),
		Branch: p.GetHead().GetRef(), Head: p.GetHead().GetSHA(), HeadRef: fmt.Sprintf("refs/pull/%d/head", p.GetNumber()),
		// A fork that was deleted has no repository any more.
		Fork:   p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID(),
		Target: p.GetBase().GetRef(), Base: p.GetBase().GetSHA(), URL: p.GetHTMLURL(), Updated: p.GetUpdatedAt().UTC(),
	}
	switch {
	case p.MergedAt != nil || p.GetMerged():
		out.State, out.Merge = post.Merged, p.GetMergeCommitSHA()
	case p.GetState() != "open":
		out.State = post.Closed
	case p.GetMergeCommitSHA() != "" && (p.Mergeable == nil || *p.Mergeable):
		out.Merge, out.MergeRef = p.GetMergeCommitSHA(), fmt.Sprintf("refs/pull/%d/merge", p.GetNumber())
	}
	return out
}
