package azure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/preview/post"
)

// repository is one that previews are posted to.
type repository struct {
	*Pulls

	mu sync.Mutex
	me post.Author
}

// NewRepository opens a repository that previews are posted to.
func NewRepository(session *rest.Session, project, repo string) (post.Repository, error) {
	p, err := NewPulls(session, project, repo, false)
	if err != nil {
		return post.Repository{}, err
	}
	r := &repository{Pulls: p}
	return post.Repository{
		Comments: comments{r}, Accounts: r, Statuses: r, Pulls: r,
		// Azure DevOps takes 150,000 characters.
		Traits: func(context.Context) post.Traits { return post.Traits{Limit: 149_000, HTML: true} },
	}, nil
}

func (r *repository) of(pull int64) string { return fmt.Sprintf("%s#%d", r.name, pull) }

func versioned() url.Values { return url.Values{"api-version": {version}} }

type identity struct {
	ID   string `json:"id"`
	Name string `json:"uniqueName"`
}

func (i identity) author() post.Author { return post.Author{ID: i.ID, Name: i.Name} }

// Me implements post.Accounts.
func (r *repository) Me(ctx context.Context) (post.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.me.ID != "" {
		return r.me, nil
	}
	var said struct {
		User struct {
			ID   string `json:"id"`
			Name string `json:"providerDisplayName"`
		} `json:"authenticatedUser"`
	}
	if err := r.session.Get(ctx, &said, url.Values{"api-version": {version + "-preview"}}, "_apis", "connectionData"); err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", err)
	}
	if said.User.ID == "" {
		return post.Author{}, fault.New(fault.Transient, "read our user: it has no id")
	}
	r.me = post.Author{ID: said.User.ID, Name: said.User.Name}
	return r.me, nil
}

// MayWrite implements post.Accounts: Azure DevOps tells nobody what another
// user may do.
func (r *repository) MayWrite(context.Context, post.Author) (bool, error) {
	return false, fault.New(fault.Denied, "Azure DevOps does not tell what another user may do")
}

type full struct {
	pull
	Author identity `json:"createdBy"`
	Target struct {
		ID string `json:"commitId"`
	} `json:"lastMergeTargetCommit"`
	Merge struct {
		ID string `json:"commitId"`
	} `json:"lastMergeCommit"`
	MergeStatus string    `json:"mergeStatus"`
	Fork        *struct{} `json:"forkSource"`
	Repository  struct {
		WebURL string `json:"webUrl"`
	} `json:"repository"`
}

func (p full) value() post.Pull {
	v := p.pull.value()
	out := post.Pull{
		Number: v.Number, Title: v.Title, State: post.Open, Author: p.Author.author(), Branch: v.Branch, Head: v.HeadSHA,
		Fork: p.Fork != nil, Target: v.TargetBranch, Base: p.Target.ID,
	}
	if p.Repository.WebURL != "" {
		out.URL = p.Repository.WebURL + "/pullrequest/" + strconv.FormatInt(v.Number, 10)
	}
	switch {
	case p.Status == "completed":
		out.State, out.Merge = post.Merged, p.Merge.ID
	case p.Status == "abandoned":
		out.State = post.Closed
	case p.MergeStatus == "succeeded":
		out.Merge, out.MergeRef = p.Merge.ID, fmt.Sprintf("refs/pull/%d/merge", v.Number)
	}
	return out
}

// Open implements post.Pulls. Azure DevOps does not say when a pull request
// was touched.
func (r *repository) Open(ctx context.Context) ([]post.Pull, error) {
	found, err := skipping[full](ctx, r.session, url.Values{"searchCriteria.status": {"active"}}, r.path("pullrequests")...)
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s: %w", r.name, err)
	}
	var out []post.Pull
	for _, one := range found {
		if v := one.value(); v.Head != "" { // else the server has not looked at it yet
			out = append(out, v)
		}
	}
	return out, nil
}

// Pull implements post.Pulls.
func (r *repository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	var one full
	err := r.session.Get(ctx, &one, versioned(), r.path("pullrequests", strconv.FormatInt(number, 10))...)
	if err == nil {
		switch one.Status {
		case "active", "abandoned", "completed":
		default:
			err = fault.New(fault.Transient, "its status is %q", one.Status)
		}
	}
	if err != nil {
		return post.Pull{}, fmt.Errorf("read the pull request %s: %w", r.of(number), err)
	}
	return one.value(), nil
}

// SetStatus implements post.Statuses: of the pull request, which branch
// policies can ask for. The latest of a context counts; what it says already is
// not added again.
func (r *repository) SetStatus(ctx context.Context, pull int64, commit string, s post.Status) error {
	type name struct {
		Genre string `json:"genre"`
		Name  string `json:"name"`
	}
	type status struct {
		ID          int64  `json:"id,omitempty"`
		State       string `json:"state"`
		Description string `json:"description"`
		TargetURL   string `json:"targetUrl,omitempty"`
		Context     name   `json:"context"`
	}
	fail := func(err error) error {
		return fmt.Errorf("set a status of %s@%.7s: %w", r.of(pull), commit, err)
	}
	genre, label, ok := strings.Cut(s.Context, "/")
	if !ok {
		genre, label = "trueup", s.Context
	}
	want := status{
		State:       map[post.State]string{post.Pending: "pending", post.Success: "succeeded", post.Neutral: "succeeded", post.Failure: "failed"}[s.State],
		Description: post.Short(s.Description, maxDescription), TargetURL: s.URL, Context: name{genre, label},
	}
	at := r.path("pullrequests", strconv.FormatInt(pull, 10), "statuses")
	found, err := page[status](ctx, r.session, url.Values{}, at...)
	if err != nil {
		return fail(err)
	}
	var now status
	for _, one := range found {
		if one.Context == want.Context && one.ID > now.ID {
			now = one
		}
	}
	if now.ID = 0; now == want {
		return nil
	}
	if err := r.session.Send(ctx, nil, rest.Call{Method: http.MethodPost, Body: want, Query: versioned()}, at...); err != nil {
		return fail(err)
	}
	return nil
}

const maxDescription = 255

type comments struct{ *repository }

type comment struct {
	ID        int64     `json:"id"`
	Content   string    `json:"content"`
	Type      string    `json:"commentType"`
	Deleted   bool      `json:"isDeleted"`
	Author    identity  `json:"author"`
	Published time.Time `json:"publishedDate"`
}

type thread struct {
	ID       int64     `json:"id"`
	Deleted  bool      `json:"isDeleted"`
	Anchor   *struct{} `json:"threadContext"`
	Comments []comment `json:"comments"`
}

// List implements post.Comments: the first of each thread, and the answers.
func (r comments) List(ctx context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	found, err := page[thread](ctx, r.session, url.Values{}, r.threads(pull)...)
	if err != nil {
		return nil, fmt.Errorf("list the comments of %s: %w", r.of(pull), err)
	}
	var out []post.Comment
	for _, t := range found {
		if t.ID == 0 {
			return nil, fault.New(fault.Transient, "list the comments of %s: a thread has no id", r.of(pull))
		}
		for _, c := range t.Comments {
			if t.Deleted || t.Anchor != nil || c.Deleted || c.Type == "system" || c.Published.Before(since) {
				continue
			}
			out = append(out, post.Comment{ID: fmt.Sprintf("%d/%d", t.ID, c.ID), Author: c.Author.author(), Body: c.Content, Created: c.Published.UTC()})
		}
	}
	post.Sort(out)
	return out, nil
}

func (r comments) threads(pull int64, more ...string) []string {
	return append(r.path("pullrequests", strconv.FormatInt(pull, 10), "threads"), more...)
}

// Create implements post.Comments: in a thread of its own, which is closed, so
// that it keeps nothing from being merged.
func (r comments) Create(ctx context.Context, pull int64, body string) (string, error) {
	call := rest.Call{Method: http.MethodPost, Query: versioned(), Body: map[string]any{
		"status": "closed", "comments": []map[string]any{{"parentCommentId": 0, "content": body, "commentType": "text"}},
	}}
	var made thread
	err := r.session.Send(ctx, &made, call, r.threads(pull)...)
	if err == nil && (made.ID == 0 || len(made.Comments) == 0) {
		err = fault.New(fault.Transient, "the answer holds no comment")
	}
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", r.of(pull), err)
	}
	return fmt.Sprintf("%d/%d", made.ID, made.Comments[0].ID), nil
}

// Edit implements post.Comments.
func (r comments) Edit(ctx context.Context, pull int64, id, body string) error {
	of, number, ok := strings.Cut(id, "/")
	if !ok {
		return fault.New(fault.Invalid, "edit a comment in %s: %q is no id", r.of(pull), id)
	}
	call := rest.Call{Method: http.MethodPatch, Query: versioned(), Body: map[string]any{"content": body}}
	if err := r.session.Send(ctx, nil, call, r.threads(pull, of, "comments", number)...); err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, r.of(pull), err)
	}
	return nil
}
