package bitbucket

import (
	"cmp"
	"context"
	"encoding/json"
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

// maxComment of both Bitbuckets: they take 32,768 characters, and the marker
// grows a little where HTML is not understood.
const maxComment = 32_500

func traits(context.Context) post.Traits { return post.Traits{Limit: maxComment} }

// cloudRepository is one that previews are posted to. Bitbucket's deployments
// are made by its own pipelines only.
type cloudRepository struct {
	*CloudPulls

	mu sync.Mutex
	me post.Author
}

// NewCloudRepository opens a repository that previews are posted to.
func NewCloudRepository(session *rest.Session, owner, repo string) (post.Repository, error) {
	p, err := NewCloudPulls(session, owner, repo)
	if err != nil {
		return post.Repository{}, err
	}
	r := &cloudRepository{CloudPulls: p}
	return post.Repository{Comments: cloudComments{r}, Accounts: r, Statuses: r, Pulls: r, Traits: traits}, nil
}

func (r *cloudRepository) name(pull int64) string {
	return fmt.Sprintf("%s/%s#%d", r.owner, r.repo, pull)
}

func (r *cloudRepository) path(more ...string) []string {
	return append([]string{"repositories", r.owner, r.repo}, more...)
}

type cloudUser struct {
	UUID     string `json:"uuid"`
	Nickname string `json:"nickname"`
	Name     string `json:"display_name"`
}

func (u cloudUser) author() post.Author {
	return post.Author{ID: u.UUID, Name: cmp.Or(u.Nickname, u.Name)}
}

// Me implements post.Accounts.
func (r *cloudRepository) Me(ctx context.Context) (post.Author, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.me.ID != "" {
		return r.me, nil
	}
	var u cloudUser
	err := r.session.Get(ctx, &u, nil, "user")
	if fault.Of(err) == fault.Denied {
		return post.Author{}, fmt.Errorf("read our user (the token needs the scope account): %w", err)
	}
	if err != nil {
		return post.Author{}, fmt.Errorf("read our user: %w", err)
	}
	if u.UUID == "" {
		return post.Author{}, fault.New(fault.Transient, "read our user: it has no id")
	}
	r.me = u.author()
	return r.me, nil
}

// MayWrite implements post.Accounts. Bitbucket tells it to administrators of
// the repository only.
func (r *cloudRepository) MayWrite(ctx context.Context, who post.Author) (bool, error) {
	type permission struct {
		Permission string    `json:"permission"`
		User       cloudUser `json:"user"`
	}
	quoted, err := json.Marshal(who.ID)
	if err != nil {
		return false, err
	}
	found, err := all[permission](ctx, r.session, url.Values{"q": {"user.uuid=" + string(quoted)}, "pagelen": {"100"}},
		"workspaces", r.owner, "permissions", "repositories", r.repo)
	if err != nil {
		return false, fmt.Errorf("ask what %s may do in %s/%s: %w", who.Name, r.owner, r.repo, err)
	}
	for _, p := range found {
		if who.ID != "" && p.User.UUID == who.ID && (p.Permission == "write" || p.Permission == "admin") {
			return true, nil
		}
	}
	return false, nil
}

// cloudFull is a pull request with what lists tell, too.
type cloudFull struct {
	cloudPull
	Author cloudUser   `json:"author"`
	Source cloudBranch `json:"source"`
	Target cloudBranch `json:"destination"`
	Merge  *struct {
		Hash string `json:"hash"`
	} `json:"merge_commit"`
	Links struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
	} `json:"links"`
}

type cloudBranch struct {
	cloudEnd
	Repository struct {
		UUID string `json:"uuid"`
	} `json:"repository"`
}

// value leaves refs away: Bitbucket Cloud has none of pull requests.
func (p cloudFull) value() post.Pull {
	out := post.Pull{
		Number: p.ID, Title: p.Title, State: post.Open, Author: p.Author.author(), Branch: p.Source.Branch.Name, Head: p.Source.Commit.Hash,
		// A fork that was deleted has no repository any more.
		Fork: p.Source.Repository.UUID != p.Target.Repository.UUID, Target: p.Target.Branch.Name, Base: p.Target.Commit.Hash,
		URL: p.Links.HTML.Href, Updated: p.Updated.UTC(),
	}
	switch p.State {
	case "OPEN":
	case "MERGED":
		out.State = post.Merged
		if p.Merge != nil {
			out.Merge = p.Merge.Hash
		}
	default:
		out.State = post.Closed
	}
	return out
}

// Open implements post.Pulls. Heads are the first characters of a commit's id.
func (r *cloudRepository) Open(ctx context.Context) ([]post.Pull, error) {
	found, err := all[cloudFull](ctx, r.session, url.Values{"state": {"OPEN"}, "pagelen": {"50"}}, r.path("pullrequests")...)
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s/%s: %w", r.owner, r.repo, err)
	}
	var out []post.Pull
	for _, one := range found {
		out = append(out, one.value())
	}
	return out, nil
}

// Pull implements post.Pulls. Bitbucket cuts the ids of commits here, so the
// head is asked for.
func (r *cloudRepository) Pull(ctx context.Context, number int64) (post.Pull, error) {
	fail := func(err error) (post.Pull, error) {
		return post.Pull{}, fmt.Errorf("read the pull request %s: %w", r.name(number), err)
	}
	var one cloudFull
	if err := r.session.Get(ctx, &one, nil, r.path("pullrequests", strconv.FormatInt(number, 10))...); err != nil {
		return fail(err)
	}
	switch one.State {
	case "OPEN", "MERGED", "DECLINED", "SUPERSEDED":
	default:
		return fail(fault.New(fault.Transient, "its state is %q", one.State))
	}
	out := one.value()
	for _, commit := range []*string{&out.Head, &out.Base, &out.Merge} {
		if n := len(*commit); n == 0 || n >= 40 {
			continue
		}
		var full struct {
			Hash string `json:"hash"`
		}
		if err := r.session.Get(ctx, &full, nil, r.path("commit", *commit)...); err != nil {
			return fail(err)
		}
		*commit = cmp.Or(full.Hash, *commit)
	}
	return out, nil
}

// SetStatus implements post.Statuses. Bitbucket replaces the status of a key,
// and wants an address.
func (r *cloudRepository) SetStatus(ctx context.Context, pull int64, commit string, s post.Status) error {
	at := cmp.Or(s.URL, fmt.Sprintf("https://bitbucket.org/%s/%s/pull-requests/%d", url.PathEscape(r.owner), url.PathEscape(r.repo), pull))
	body := build{Key: post.Short(s.Context, maxKey), Name: s.Context, State: buildState(s.State), Description: post.Short(s.Description, maxDescription), URL: at}
	if err := r.session.Send(ctx, nil, rest.Call{Method: http.MethodPost, Body: body}, r.path("commit", commit, "statuses", "build")...); err != nil {
		return fmt.Errorf("set a status of %s/%s@%.7s: %w", r.owner, r.repo, commit, err)
	}
	return nil
}

// build is a status in the form of both Bitbuckets.
type build struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	State       string `json:"state"`
	Description string `json:"description"`
	URL         string `json:"url"`
}

const (
	maxKey         = 40
	maxDescription = 255
)

func buildState(s post.State) string {
	return map[post.State]string{post.Pending: "INPROGRESS", post.Success: "SUCCESSFUL", post.Neutral: "SUCCESSFUL", post.Failure: "FAILED"}[s]
}

type cloudComments struct{ *cloudRepository }

type cloudComment struct {
	ID      int64     `json:"id"`
	Deleted bool      `json:"deleted"`
	Created time.Time `json:"created_on"`
	Updated time.Time `json:"updated_on"`
	User    cloudUser `json:"user"`
	Inline  *struct{} `json:"inline"`
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
}

// List implements post.Comments.
func (r cloudComments) List(ctx context.Context, pull int64, since time.Time) ([]post.Comment, error) {
	query := url.Values{"pagelen": {"100"}, "sort": {"created_on"}}
	if !since.IsZero() {
		query.Set("q", "updated_on >= "+since.UTC().Format(time.RFC3339))
	}
	found, err := all[cloudComment](ctx, r.session, query, r.path("pullrequests", strconv.FormatInt(pull, 10), "comments")...)
	if err != nil {
		return nil, fmt.Errorf("list the comments of %s: %w", r.name(pull), err)
	}
	var out []post.Comment
	for _, c := range found {
		if c.ID == 0 {
			return nil, fault.New(fault.Transient, "list the comments of %s: one has no id", r.name(pull))
		}
		if c.Deleted || c.Inline != nil {
			continue
		}
		out = append(out, post.Comment{ID: strconv.FormatInt(c.ID, 10), Author: c.User.author(), Body: c.Content.Raw, Created: c.Created.UTC()})
	}
	return out, nil
}

func raw(body string) any { return map[string]any{"content": map[string]string{"raw": body}} }

// Create implements post.Comments.
func (r cloudComments) Create(ctx context.Context, pull int64, body string) (string, error) {
	var made cloudComment
	err := r.session.Send(ctx, &made, rest.Call{Method: http.MethodPost, Body: raw(body)}, r.path("pullrequests", strconv.FormatInt(pull, 10), "comments")...)
	if err != nil {
		return "", fmt.Errorf("make a comment in %s: %w", r.name(pull), err)
	}
	return strconv.FormatInt(made.ID, 10), nil
}

// Edit implements post.Comments.
func (r cloudComments) Edit(ctx context.Context, pull int64, id, body string) error {
	err := r.session.Send(ctx, nil, rest.Call{Method: http.MethodPut, Body: raw(body)}, r.path("pullrequests", strconv.FormatInt(pull, 10), "comments", id)...)
	if err != nil {
		return fmt.Errorf("edit the comment %s in %s: %w", id, r.name(pull), err)
	}
	return nil
}
