package bitbucket

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// serverRepository is one that previews are posted to.
type serverRepository struct {
	*ServerPulls

	mu sync.Mutex
	me post.Author
}

// NewServerRepository opens a repository that previews are posted to.
func NewServerRepository(session *rest.Session, project, repo string) (post.Repository, error) {
	p, err := NewServerPulls(session, project, repo)
	if err != nil {
		return post.Repository{}, err
	}
	r := &serverRepository{ServerPulls: p}
	return post.Repository{Comments: serverComments{r}, Accounts: r, Statuses: r, Pulls: r, Traits: traits}, nil
}

func (r *serverRepository) name(pull int64) string {
	return fmt.Sprintf("%s/%s#%d", r.project, r.repo, pull)
}

func (r *serverRepository) path(more ...string) []string {
	return append([]string{"projects", r.project, "repos", r.repo}, more...)
}

type serverUser struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func (u serverUser) author() post.Author {
	out := post.Author{Name: u.Name}
	if u.ID != 0 {
		out.ID = strconv.FormatInt(u.ID, 10)
	}
	return out
}

// Me implements post.Accounts: the server says in a header of every answer
// whom it takes us for.
func (r *serverRepository) Me(ctx context.Context) (post.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.me.Name != "" {
		return r.me, nil
	}
	var there struct{}
	header, err := r.session.GetHeader(ctx, &there, nil, "application-properties")
	if err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", err)
	}
	name, err := url.QueryUnescape(header.Get("X-Ausername"))
	if err != nil || name == "" {
		return post.Author{}, fault.New(fault.Denied, "read our user: the server takes us for nobody")
	}
	r.me = post.Author{ID: header.Get("X-Auserid"), Name: name}
	return r.me, nil
}

// MayWrite implements post.Accounts: the server lists the users who may, with
// those who may as members of a group.
func (r *serverRepository) MayWrite(ctx context.Context, who post.Author) (bool, error) {
	query := url.Values{
		"filter": {who.Name}, "permission.1": {"REPO_WRITE"}, "permission.1.projectKey": {r.project}, "permission.1.repositorySlug": {r.repo},
	}
	found, err := list[serverUser](ctx, r.session, query, "users")
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s/%s: %w", who.Name, r.project, r.repo, err)
	}
	for _, u := range found {
		if u.author().Is(who) {
			return true, nil
		}
	}
	return false, nil
}

type serverFull struct {
	serverPull
	Author struct {
		User serverUser `json:"user"`
	} `json:"author"`
	From       serverEnd `json:"fromRef"`
	To         serverEnd `json:"toRef"`
	Properties struct {
		Merge struct {
			ID string `json:"id"`
		} `json:"mergeCommit"`
	} `json:"properties"`
	Links struct {
		Self []link `json:"self"`
	} `json:"links"`
}

type serverEnd struct {
	serverBranch
	Repository struct {
		ID int64 `json:"id"`
	} `json:"repository"`
}

func (p serverFull) value() post.Pull {
	out := post.Pull{
		Number: p.ID, Title: p.Title, State: post.Open, Author: p.Author.User.author(), Branch: p.From.Name, Head: p.From.Commit,
		HeadRef: fmt.Sprintf("refs/pull-requests/%d/from", p.ID), Fork: p.From.Repository.ID != p.To.Repository.ID, Target: p.To.Name, Base: p.To.Commit,
		Updated: p.serverPull.value().Updated,
	}
	if len(p.Links.Self) > 0 {
		out.URL = p.Links.Self[0].Href
	}
	switch p.State {
	case "OPEN":
	case "MERGED":
		out.State, out.Merge = post.Merged, p.Properties.Merge.ID
	default:
		out.State = post.Closed
	}
	return out
}

// Open implements post.Pulls.
func (r *serverRepository) Open(ctx context.Context) ([]post.Pull, error) {
	found, err := list[serverFull](ctx, r.session, url.Values{"state": {"OPEN"}}, r.path("pull-requests")...)
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s/%s: %w", r.project, r.repo, err)
	}
	var out []post.Pull
	for _, one := range found {
		out = append(out, one.value())
	}
	return out, nil
}

// Pull implements post.Pulls.
func (r *serverRepository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	var one serverFull
	err := r.session.Get(ctx, &one, nil, r.path("pull-requests", strconv.FormatInt(number, 10))...)
	if err == nil {
		switch one.State {
		case "OPEN", "MERGED", "DECLINED":
		default:
			err = fault.New(fault.Transient, "its state is %q", one.State)
		}
	}
	if err != nil {
		return post.Pull{}, fmt.Errorf("read the pull request %s: %w", r.name(number), err)
	}
	return one.value(), nil
}

// SetStatus implements post.Statuses. The server replaces the status of a key,
// and wants an address.
func (r *serverRepository) SetStatus(ctx context.Context, pull int64, commit string, s post.Status) error {
	at := s.URL
	if at == "" {
		one, err := r.Pull(ctx, pull)
		if err != nil {
			return fmt.Errorf("set a status of %s/%s@%.7s: %w", r.project, r.repo, commit, err)
		}
		at = one.URL
	}
	body := build{Key: s.Context, Name: s.Context, State: buildState(s.State), Description: post.Short(s.Description, maxDescription), URL: at}
	err := r.session.Send(ctx, nil, rest.Call{Method: http.MethodPost, Body: body}, r.path("commits", commit, "builds")...)
	if err != nil {
		return fmt.Errorf("set a status of %s/%s@%.7s: %w", r.project, r.repo, commit, err)
	}
	return nil
}

type serverComments struct{ *serverRepository }

type serverComment struct {
	ID      int64      `json:"id"`
	Version int        `json:"version"`
	Text    string     `json:"text"`
	Author  serverUser `json:"author"`
	Created int64      `json:"createdDate"` // milliseconds since 1970
}

// List implements post.Comments: of all that happened to the pull request, the
// latest first, what are comments.
func (r serverComments) List(ctx context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	type activity struct {
		Action        string         `json:"action"`
		CommentAction string         `json:"commentAction"`
		Comment       *serverComment `json:"comment"`
		Anchor        *struct{}      `json:"commentAnchor"`
	}
	found, err := list[activity](ctx, r.session, nil, r.path("pull-requests", strconv.FormatInt(pull, 10), "activities")...)
	if err != nil {
		return nil, fmt.Errorf("list the comments of %s: %w", r.name(pull), err)
	}
	var out []post.Comment
	for _, a := range found {
		if a.Action != "COMMENTED" || a.CommentAction != "ADDED" || a.Anchor != nil {
			continue
		}
		if a.Comment == nil || a.Comment.ID == 0 {
			return nil, fault.New(fault.Transient, "list the comments of %s: one has no id", r.name(pull))
		}
		c := post.Comment{ID: strconv.FormatInt(a.Comment.ID, 10), Author: a.Comment.Author.author(), Body: a.Comment.Text, Created: time.UnixMilli(a.Comment.Created).UTC()}
		if !c.Created.Before(since) {
			out = append(out, c)
		}
	}
	post.Sort(out)
	return out, nil
}

// Create implements post.Comments.
func (r serverComments) Create(ctx context.Context, pull int64, body string) (string, error) {
	var made serverComment
	err := r.session.Send(ctx, &made, rest.Call{Method: http.MethodPost, Body: map[string]string{"text": body}},
		r.path("pull-requests", strconv.FormatInt(pull, 10), "comments")...)
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", r.name(pull), err)
	}
	return strconv.FormatInt(made.ID, 10), nil
}

// Edit implements post.Comments. The server wants to know which version is
// edited; another one is fault.Conflict.
func (r serverComments) Edit(ctx context.Context, pull int64, id, body string) error {
	at := r.path("pull-requests", strconv.FormatInt(pull, 10), "comments", id)
	var now serverComment
	err := r.session.Get(ctx, &now, nil, at...)
	if err == nil {
		err = r.session.Send(ctx, nil, rest.Call{Method: http.MethodPut, Body: map[string]any{"text": body, "version": now.Version}}, at...)
	}
	if rest.Status(err) == http.StatusConflict {
		err = fault.Wrap(fault.Conflict, err)
	}
	if err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, r.name(pull), err)
	}
	return nil
}
