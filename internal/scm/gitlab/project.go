package gitlab

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/Masterminds/semver/v3"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// repository is a project that previews are posted to.
type repository struct {
	*Merges

	mu     sync.Mutex
	me     post.Author
	traits post.Traits
}

// NewProject opens a project that previews are posted to.
func NewProject(session *rest.Session, api, name string) (post.Repository, error) {
	m, err := NewMerges(session, api, name, "opened", nil)
	if err != nil {
		return post.Repository{}, err
	}
	p := &repository{Merges: m}
	return post.Repository{Comments: comments{p}, Accounts: p, Statuses: p, Pulls: p, Deployments: p, Traits: p.Traits}, nil
}

func (p *repository) name(merge int64) string { return fmt.Sprintf("%s!%d", p.project, merge) }

// Traits of comments. GitLab takes a million characters, and gives up on
// showing a text that takes it too long; who wants to read more than this
// reads the report.
func (p *repository) Traits(ctx context.Context) post.Traits {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.traits.Limit == 0 {
		v, _, err := p.client.Version.GetVersion(gitlab.WithContext(ctx))
		if err != nil {
			return post.Traits{Limit: maxComment, HTML: true} // what every version has
		}
		p.traits = post.Traits{Limit: maxComment, HTML: true, Alerts: alerts(v.Version)}
	}
	return p.traits
}

const maxComment = 250_000

// alerts came with GitLab 17.10.
func alerts(version string) bool {
	v, err := semver.NewVersion(version)
	return err == nil && (v.Major() > 17 || v.Major() == 17 && v.Minor() >= 10)
}

// Me implements post.Accounts.
func (p *repository) Me(ctx context.Context) (post.Author, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.me.ID != "" {
		return p.me, nil
	}
	u, _, err := p.client.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", rest.Cause(err))
	}
	if u.ID == 0 {
		return post.Author{}, fault.New(fault.Transient, "read our user: it has no id")
	}
	p.me = author(u.ID, u.Username)
	return p.me, nil
}

func author(id int64, name string) post.Author {
	out := post.Author{Name: name}
	if id != 0 {
		out.ID = strconv.FormatInt(id, 10)
	}
	return out
}

// MayWrite implements post.Accounts: developers and above may push.
func (p *repository) MayWrite(ctx context.Context, who post.Author) (bool, error) {
	id, err := strconv.ParseInt(who.ID, 10, 64)
	if err != nil {
		return false, fault.New(fault.Invalid, "ask what %s may do in %s: %q is no id", who.Name, p.project, who.ID)
	}
	member, _, err := p.client.ProjectMembers.GetInheritedProjectMember(p.project, id, gitlab.WithContext(ctx))
	if err = rest.Cause(err); fault.Of(err) == fault.Missing {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s: %w", who.Name, p.project, err)
	}
	return member.ID == id && (member.State == "" || member.State == "active") && member.AccessLevel >= gitlab.DeveloperPermissions, nil
}

// Open implements post.Pulls. A list does not tell the commit of the target.
func (p *repository) Open(ctx context.Context) ([]post.Pull, error) {
	var out []post.Pull
	err := p.each(ctx, func(m *gitlab.BasicMergeRequest) { out = append(out, pull(m)) })
	return out, err
}

// Pull implements post.Pulls.
func (p *repository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	m, _, err := p.client.MergeRequests.GetMergeRequest(p.project, number, nil, gitlab.WithContext(ctx))
	if err != nil {
		return post.Pull{}, fmt.Errorf("read the merge request %s: %w", p.name(number), rest.Cause(err))
	}
	switch m.State {
	case "opened", "closed", "merged", "locked":
	default:
		return post.Pull{}, fault.New(fault.Transient, "read the merge request %s: its state is %q", p.name(number), m.State)
	}
	out := pull(&m.BasicMergeRequest)
	out.Base = m.DiffRefs.StartSha
	return out, nil
}

func pull(m *gitlab.BasicMergeRequest) post.Pull {
	out := post.Pull{
		Number: m.IID, Title: m.Title, State: post.Open, Branch: m.SourceBranch, Head: m.SHA, HeadRef: fmt.Sprintf("refs/merge-requests/%d/head", m.IID),
		Fork: m.SourceProjectID != m.TargetProjectID, Target: m.TargetBranch, URL: m.WebURL,
	}
	switch m.State {
	case "merged":
		out.State, out.Merge = post.Merged, m.MergeCommitSHA
	case "closed":
		out.State = post.Closed
	default:
		// The ref is there once somebody asked for a merge result, and may be older
		// than the head.
		if !m.HasConflicts {
			out.MergeRef = fmt.Sprintf("refs/merge-requests/%d/merge", m.IID)
		}
	}
	if m.Author != nil {
		out.Author = author(m.Author.ID, m.Author.Username)
	}
	if m.UpdatedAt != nil {
		out.Updated = m.UpdatedAt.UTC()
	}
	return out
}
