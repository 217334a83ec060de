package gitea

import (
	"context"
	"fmt"

	"code.gitea.io/sdk/gitea"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// Pulls are the pull requests of one repository.
type Pulls struct {
	server
	owner, repo string
}

// NewPulls opens a repository.
func NewPulls(session *rest.Session, api, owner, repo string) (*Pulls, error) {
	if err := rest.Names("owner", owner, "repo", repo); err != nil {
		return nil, err
	}
	return &Pulls{server{session, api}, owner, repo}, nil
}

// List gives the open ones.
func (p *Pulls) List(ctx context.Context) ([]appset.PullRequest, error) {
	var out []appset.PullRequest
	err := p.each(ctx, func(one *gitea.PullRequest) error {
		v, err := value(one)
		out = append(out, v)
		return err
	})
	return out, err
}

// each shows the open ones.
func (p *Pulls) each(ctx context.Context, see func(*gitea.PullRequest) error) error {
	c, err := p.client(ctx)
	if err != nil {
		return err
	}
	return pages(func(options gitea.ListOptions) (int, *gitea.Response, error) {
		found, resp, err := c.ListRepoPullRequests(p.owner, p.repo, gitea.ListPullRequestsOptions{ListOptions: options, State: gitea.StateOpen, Sort: "oldest"})
		if err != nil {
			return 0, nil, fmt.Errorf("list the pull requests of %s/%s: %w", p.owner, p.repo, rest.Cause(err))
		}
		for _, one := range found {
			if err := see(one); err != nil {
				return 0, nil, fmt.Errorf("list the pull requests of %s/%s: %w", p.owner, p.repo, err)
			}
		}
		return len(found), resp, nil
	})
}

// Find gives one, open or not. One that is not there is fault.Missing.
func (p *Pulls) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	fail := func(err error) (appset.PullRequest, bool, error) {
		return appset.PullRequest{}, false, fmt.Errorf("read the pull request %s/%s#%d: %w", p.owner, p.repo, number, err)
	}
	c, err := p.client(ctx)
	if err != nil {
		return fail(err)
	}
	one, _, err := c.GetPullRequest(p.owner, p.repo, number)
	if err != nil {
		return fail(rest.Cause(err))
	}
	if one.State != gitea.StateOpen && one.State != gitea.StateClosed {
		return fail(fault.New(fault.Transient, "its state is %q", one.State))
	}
	v, err := value(one)
	if err != nil {
		return fail(err)
	}
	return v, one.State == gitea.StateOpen, nil
}

// Exists is fault.Missing where the repository is not there.
func (p *Pulls) Exists(ctx context.Context) error {
	c, err := p.client(ctx)
	if err != nil {
		return err
	}
	if _, _, err := c.GetRepo(p.owner, p.repo); err != nil {
		return fmt.Errorf("read the repository %s/%s: %w", p.owner, p.repo, rest.Cause(err))
	}
	return nil
}

func value(p *gitea.PullRequest) (appset.PullRequest, error) {
	if p == nil || p.Head == nil || p.Base == nil {
		return appset.PullRequest{}, fault.New(fault.Transient, "one has no branches")
	}
	out := appset.PullRequest{Number: p.Index, Title: p.Title, Branch: p.Head.Ref, TargetBranch: p.Base.Ref, HeadSHA: p.Head.Sha}
	if p.Poster != nil {
		out.Author = p.Poster.UserName
	}
	if p.Updated != nil {
		out.Updated = p.Updated.UTC()
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.Name)
	}
	return out, nil
}
