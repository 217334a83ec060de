package bitbucket

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// CloudAPI is where Bitbucket Cloud answers.
const CloudAPI = "https://api.bitbucket.org/2.0"

// Options say which repositories, and how.
type Options struct {
	// Name is a workspace of Bitbucket Cloud or the key of a project.
	Name        string
	AllBranches bool
	SSH         bool
}

// Workspace is one of Bitbucket Cloud that generators look through.
type Workspace struct {
	session *rest.Session
	of      Options
}

// NewWorkspace opens a workspace.
func NewWorkspace(session *rest.Session, o Options) (*Workspace, error) {
	return &Workspace{session, o}, rest.Name("owner", o.Name)
}

// cloudPages gives one page of a list after the other, each of which names the
// next; with the number 1 it begins anew.
func cloudPages[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) func(number int) ([]T, bool, error) {
	next := ""
	return func(number int) ([]T, bool, error) {
		var page struct {
			Values *[]T   `json:"values"`
			Next   string `json:"next"`
		}
		var err error
		if number == 1 {
			err = session.Get(ctx, &page, query, segments...)
		} else {
			err = session.GetURL(ctx, &page, next)
		}
		if err != nil {
			return nil, false, err
		}
		if page.Values == nil {
			return nil, false, errNoList
		}
		next = page.Next
		return *page.Values, next != "", nil
	}
}

// all reads every page of a list.
func all[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) ([]T, error) {
	return joined(cloudPages[T](ctx, session, query, segments...))
}

// joined are all pages in a row.
func joined[T any](read func(number int) ([]T, bool, error)) ([]T, error) {
	out := []T{}
	err := rest.Pages(func(number int) (bool, error) {
		found, more, err := read(number)
		out = append(out, found...)
		return more, err
	})
	return out, err
}

var errNoList = fault.New(fault.Transient, "the answer holds no list of values")

type link struct {
	Name string `json:"name"`
	Href string `json:"href"`
}

func hrefOf(links []link, name string) string {
	for _, l := range links {
		if l.Name == name {
			return l.Href
		}
	}
	return ""
}

// Repositories implements appset.Organization: those that the user is a
// member of, as in Argo CD. They have no labels.
func (w *Workspace) Repositories(ctx context.Context) ([]appset.Repository, error) {
	type repository struct {
		UUID       string `json:"uuid"`
		Slug       string `json:"slug"`
		MainBranch *struct {
			Name string `json:"name"`
		} `json:"mainbranch"`
		Links struct {
			Clone []link `json:"clone"`
		} `json:"links"`
	}
	found, err := rest.Whole(func(r repository) string { return r.UUID },
		cloudPages[repository](ctx, w.session, url.Values{"role": {"member"}, "pagelen": {"100"}}, "repositories", w.of.Name))
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", w.of.Name, err)
	}
	var out []appset.Repository
	for _, r := range found {
		protocol := "https"
		if w.of.SSH {
			protocol = "ssh"
		}
		one := appset.Repository{Organization: w.of.Name, Name: r.Slug, ID: r.UUID, URL: hrefOf(r.Links.Clone, protocol)}
		if one.Name == "" || one.ID == "" || one.URL == "" {
			return nil, fault.New(fault.Transient, "list the repositories of %s: %q has no URL for %s", w.of.Name, r.Slug, protocol)
		}
		if r.MainBranch != nil {
			one.DefaultBranch = r.MainBranch.Name
		}
		out = append(out, one)
	}
	return out, nil
}

// Branches implements appset.Organization.
func (w *Workspace) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	type branch struct {
		Name   string `json:"name"`
		Target struct {
			Hash string `json:"hash"`
		} `json:"target"`
	}
	query := url.Values{"pagelen": {"100"}}
	if !w.of.AllBranches {
		if of.DefaultBranch == "" {
			return nil, nil
		}
		// Asked for by its name in the path, a branch with a slash is not found.
		quoted, err := json.Marshal(of.DefaultBranch)
		if err != nil {
			return nil, err
		}
		query.Set("q", "name="+string(quoted))
	}
	found, err := rest.Whole(func(b branch) string { return b.Name }, cloudPages[branch](ctx, w.session, query, "repositories", w.of.Name, of.Name, "refs", "branches"))
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", w.of.Name, of.Name, err)
	}
	var out []appset.Branch
	for _, b := range found {
		if w.of.AllBranches || b.Name == of.DefaultBranch {
			out = append(out, appset.Branch{Name: b.Name, SHA: b.Target.Hash})
		}
	}
	return out, nil
}

// Has implements appset.Organization.
func (w *Workspace) Has(ctx context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	query, root := url.Values{"format": {"meta"}}, []string{"repositories", w.of.Name, of.Name, "src", branch.SHA}
	has, err := w.session.HasBelow(ctx, query, append(root, ""), query, append(root, strings.Split(path, "/")...))
	if err != nil {
		return false, fmt.Errorf("look for %s in %s/%s: %w", path, w.of.Name, of.Name, err)
	}
	return has, nil
}

// CloudPulls are the pull requests of one repository of Bitbucket Cloud. They
// have no labels.
type CloudPulls struct {
	session     *rest.Session
	owner, repo string
}

// NewCloudPulls opens a repository.
func NewCloudPulls(session *rest.Session, owner, repo string) (*CloudPulls, error) {
	if err := rest.Names("owner", owner, "repo", repo); err != nil {
		return nil, err
	}
	return &CloudPulls{session, owner, repo}, nil
}

type cloudEnd struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit struct {
		Hash string `json:"hash"`
	} `json:"commit"`
}

type cloudPull struct {
	ID     int64  `json:"id"`
	Title  string `json:"title"`
	State  string `json:"state"`
	Author struct {
		Nickname string `json:"nickname"`
	} `json:"author"`
	Source      cloudEnd  `json:"source"`
	Destination cloudEnd  `json:"destination"`
	Updated     time.Time `json:"updated_on"`
}

func (p cloudPull) value() appset.PullRequest {
	return appset.PullRequest{
		Number: p.ID, Title: p.Title, Author: p.Author.Nickname, Branch: p.Source.Branch.Name, TargetBranch: p.Destination.Branch.Name,
		HeadSHA: p.Source.Commit.Hash, Updated: p.Updated.UTC(),
	}
}

// List gives the open ones.
func (p *CloudPulls) List(ctx context.Context) ([]appset.PullRequest, error) {
	found, err := all[cloudPull](ctx, p.session, url.Values{"state": {"OPEN"}, "pagelen": {"50"}}, "repositories", p.owner, p.repo, "pullrequests")
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s/%s: %w", p.owner, p.repo, err)
	}
	var out []appset.PullRequest
	for _, one := range found {
		out = append(out, one.value())
	}
	return out, nil
}

// Find gives one, open or not. One that is not there is fault.Missing.
func (p *CloudPulls) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	var one cloudPull
	err := p.session.Get(ctx, &one, nil, "repositories", p.owner, p.repo, "pullrequests", strconv.FormatInt(number, 10))
	if err == nil {
		switch one.State {
		case "OPEN", "MERGED", "DECLINED", "SUPERSEDED":
		default:
			err = fault.New(fault.Transient, "its state is %q", one.State)
		}
	}
	if err != nil {
		return appset.PullRequest{}, false, fmt.Errorf("read the pull request %s/%s#%d: %w", p.owner, p.repo, number, err)
	}
	return one.value(), one.State == "OPEN", nil
}

// Exists is fault.Missing where the repository is not there.
func (p *CloudPulls) Exists(ctx context.Context) error {
	var one struct{}
	if err := p.session.Get(ctx, &one, nil, "repositories", p.owner, p.repo); err != nil {
		return fmt.Errorf("read the repository %s/%s: %w", p.owner, p.repo, err)
	}
	return nil
}
