package gitea

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"code.gitea.io/sdk/gitea"
	"github.com/Masterminds/semver/v3"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// repository is one that previews are posted to. Gitea keeps no records of
// deployments.
type repository struct {
	*Pulls

	mu     sync.Mutex
	me     post.Author
	traits post.Traits
}

// NewRepository opens a repository that previews are posted to.
func NewRepository(session *rest.Session, api, owner, repo string) (post.Repository, error) {
	p, err := NewPulls(session, api, owner, repo)
	if err != nil {
		return post.Repository{}, err
	}
	r := &repository{Pulls: p}
	return post.Repository{Comments: comments{r}, Accounts: r, Statuses: r, Pulls: r, Traits: r.Traits}, nil
}

func (r *repository) name(pull int64) string { return fmt.Sprintf("%s/%s#%d", r.owner, r.repo, pull) }

// maxComment is ours: Gitea has none, but who wants to read more than this
// reads the report.
const maxComment = 250_000

// Traits of comments.
func (r *repository) Traits(ctx context.Context) post.Traits {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.traits.Limit > 0 {
		return r.traits
	}
	plain := post.Traits{Limit: maxComment, HTML: true}
	c, err := r.client(ctx)
	if err != nil {
		return plain
	}
	version, _, err := c.ServerVersion()
	if err != nil {
		return plain
	}
	r.traits = plain
	r.traits.Alerts = alerts(version)
	return r.traits
}

// alerts came with Gitea 1.22. Forgejo says which Gitea it is like.
func alerts(version string) bool {
	if _, like, ok := strings.Cut(version, "+gitea-"); ok {
		version = like
	}
	v, err := semver.NewVersion(version)
	return err == nil && (v.Major() > 1 || v.Minor() >= 22)
}

// Me implements post.Accounts.
func (r *repository) Me(ctx context.Context) (post.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.me.ID != "" {
		return r.me, nil
	}
	c, err := r.client(ctx)
	if err != nil {
		return post.Author{}, err
	}
	u, _, err := c.GetMyUserInfo()
	if err = rest.Cause(err); fault.Of(err) == fault.Denied {
		return post.Author{}, fmt.Errorf("read our user (the token needs the scope read:user): %w", err)
	}
	if err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", err)
	}
	if u.ID == 0 {
		return post.Author{}, fault.New(fault.Transient, "read our user: it has no id")
	}
	r.me = author(u)
	return r.me, nil
}

// author gives whom a comment is of; bots of Actions have negative ids.
func author(u *gitea.User) post.Author {
	if u == nil {
		return post.Author{}
	}
	out := post.Author{Name: u.UserName}
	if u.ID != 0 {
		out.ID = strconv.FormatInt(u.ID, 10)
	}
	return out
}

// MayWrite implements post.Accounts. Gitea tells it to those who administer
// the repository only.
func (r *repository) MayWrite(ctx context.Context, who post.Author) (bool, error) {
	if err := rest.Name("user", who.Name); err != nil {
		return false, err
	}
	c, err := r.client(ctx)
	if err != nil {
		return false, err
	}
	said, _, err := c.CollaboratorPermission(r.owner, r.repo, who.Name)
	if err = rest.Cause(err); fault.Of(err) == fault.Missing {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s/%s: %w", who.Name, r.owner, r.repo, err)
	}
	if said == nil {
		return false, fault.New(fault.Transient, "ask what %s may do in %s/%s: the answer is empty", who.Name, r.owner, r.repo)
	}
	if now := author(said.User); now.ID != "" && !now.Is(who) {
		return false, nil // the name is somebody else's by now
	}
	return said.Permission == gitea.AccessModeOwner || said.Permission == gitea.AccessModeAdmin || said.Permission == gitea.AccessModeWrite, nil
}

// Open implements post.Pulls.
func (r *repository) Open(ctx context.Context) ([]post.Pull, error) {
	var out []post.Pull
	err := r.each(ctx, func(one *gitea.PullRequest) error {
		p, err := pull(one)
		out = append(out, p)
		return err
	})
	return out, err
}

// Pull implements post.Pulls.
func (r *repository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	fail := func(err error) (post.Pull, error) {
		return post.Pull{}, fmt.Errorf("read the pull request %s: %w", r.name(number), err)
	}
	c, err := r.client(ctx)
	if err != nil {
		return fail(err)
	}
	one, _, err := c.GetPullRequest(r.owner, r.repo, number)
	if err != nil {
		return fail(rest.Cause(err))
	}
	if one.State != gitea.StateOpen && one.State != gitea.StateClosed {
		return fail(fault.New(fault.Transient, "its state is %q", one.State))
	}
	out, err := pull(one)
	if err != nil {
		return fail(err)
	}
	return out, nil
}

// pull leaves the merge away: Gitea keeps none of what is open.
func pull(p *gitea.PullRequest) (post.Pull, error) {
	v, err := value(p)
	if err != nil {
		return post.Pull{}, err
	}
	out := post.Pull{
		Number: v.Number, Title: v.Title, State: post.Open, Author: author(p.Poster), Branch: v.Branch, Head: v.HeadSHA,
		HeadRef: fmt.Sprintf("refs/pull/%d/head", v.Number), Fork: p.Head.RepoID != p.Base.RepoID, Target: v.TargetBranch, Base: p.Base.Sha,
		URL: p.HTMLURL, Updated: v.Updated,
	}
	switch {
	case p.HasMerged:
		out.State = post.Merged
		if p.MergedCommitID != nil {
			out.Merge = *p.MergedCommitID
		}
	case p.State == gitea.StateClosed:
		out.State = post.Closed
	}
	return out, nil
}
