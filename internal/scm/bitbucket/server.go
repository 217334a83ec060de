package bitbucket

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// ServerAPI is the address of a server's REST API, of what users write of it.
func ServerAPI(address string) string {
	address = strings.TrimSuffix(address, "/")
	if !strings.HasSuffix(address, "/rest") {
		address += "/rest"
	}
	return address + "/api/1.0"
}

// Project is one of Bitbucket Server that generators look through.
type Project struct {
	session *rest.Session
	of      Options
}

// NewProject opens a project.
func NewProject(session *rest.Session, o Options) (*Project, error) {
	return &Project{session, o}, rest.Name("project", o.Name)
}

// serverPages gives one page of a list after the other, each of which says
// where the next starts; with the number 1 it begins anew.
func serverPages[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) func(number int) ([]T, bool, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "100")
	return func(number int) ([]T, bool, error) {
		if number == 1 {
			query.Del("start")
		}
		var page struct {
			Values *[]T  `json:"values"`
			Last   *bool `json:"isLastPage"`
			Next   *int  `json:"nextPageStart"`
		}
		if err := session.Get(ctx, &page, query, segments...); err != nil {
			return nil, false, err
		}
		if page.Values == nil || page.Last == nil {
			return nil, false, errNoList
		}
		if *page.Last {
			return *page.Values, false, nil
		}
		if page.Next == nil {
			return nil, false, fault.New(fault.Transient, "the answer does not say where the next page starts")
		}
		query.Set("start", strconv.Itoa(*page.Next))
		return *page.Values, true, nil
	}
}

// list reads every page of a list.
func list[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) ([]T, error) {
	return joined(serverPages[T](ctx, session, query, segments...))
}

// Repositories implements appset.Organization. The server does not tell the
// default branch here, and labels to nobody.
func (p *Project) Repositories(ctx context.Context) ([]appset.Repository, error) {
	type repository struct {
		ID      int64  `json:"id"`
		Slug    string `json:"slug"`
		Name    string `json:"name"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
		Links struct {
			Clone []link `json:"clone"`
		} `json:"links"`
	}
	found, err := rest.Whole(func(r repository) string { return strconv.FormatInt(r.ID, 10) }, serverPages[repository](ctx, p.session, nil, "projects", p.of.Name, "repos"))
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", p.of.Name, err)
	}
	var out []appset.Repository
	for _, r := range found {
		protocol := "http"
		if p.of.SSH {
			protocol = "ssh"
		}
		one := appset.Repository{Organization: r.Project.Key, Name: r.Name, ID: strconv.FormatInt(r.ID, 10), Slug: r.Slug, URL: hrefOf(r.Links.Clone, protocol)}
		if r.ID == 0 || r.Slug == "" || one.URL == "" {
			return nil, fault.New(fault.Transient, "list the repositories of %s: %q has no URL for %s", p.of.Name, r.Name, protocol)
		}
		out = append(out, one)
	}
	return out, nil
}

// repo is the path of a repository that Repositories gave.
func (p *Project) repo(of appset.Repository, more ...string) []string {
	return append([]string{"projects", of.Organization, "repos", of.Slug}, more...)
}

type serverBranch struct {
	ID     string `json:"id"`
	Name   string `json:"displayId"`
	Commit string `json:"latestCommit"`
	Main   bool   `json:"isDefault"`
}

// Branches implements appset.Organization.
func (p *Project) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	fail := func(err error) ([]appset.Branch, error) {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", of.Organization, of.Name, err)
	}
	query := url.Values{}
	var only string
	if !p.of.AllBranches {
		b, found, err := p.defaultBranch(ctx, of)
		if err != nil {
			return fail(err)
		}
		if b.Commit != "" {
			return []appset.Branch{{Name: b.Name, SHA: b.Commit}}, nil
		}
		if found {
			only = b.ID
			query.Set("filterText", b.Name)
		}
		// Else nothing was pushed yet, or the repository cannot be read: the list
		// tells, and says itself which one is the default.
	}
	found, err := rest.Whole(func(b serverBranch) string { return b.ID }, serverPages[serverBranch](ctx, p.session, query, p.repo(of, "branches")...))
	if err != nil {
		return fail(err)
	}
	var out []appset.Branch
	for _, b := range found {
		if p.of.AllBranches || b.ID == only || only == "" && b.Main {
			out = append(out, appset.Branch{Name: b.Name, SHA: b.Commit})
		}
	}
	return out, nil
}

// defaultBranch asks in the way of old servers, then in that of new ones,
// which do not tell the commit.
func (p *Project) defaultBranch(ctx context.Context, of appset.Repository) (b serverBranch, found bool, err error) {
	for _, where := range [][]string{{"branches", "default"}, {"default-branch"}} {
		err := p.session.Get(ctx, &b, nil, p.repo(of, where...)...)
		if err == nil && b.ID != "" {
			return b, true, nil
		}
		if err != nil && fault.Of(err) != fault.Missing {
			return b, false, err
		}
	}
	return b, false, nil
}

// Has implements appset.Organization.
func (p *Project) Has(ctx context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	query := url.Values{"at": {branch.SHA}, "type": {"true"}}
	has, err := p.session.HasBelow(ctx, query, p.repo(of, "browse"), query, p.repo(of, append([]string{"browse"}, strings.Split(path, "/")...)...))
	if err != nil {
		return false, fmt.Errorf("look for %s in %s/%s: %w", path, of.Organization, of.Name, err)
	}
	return has, nil
}

// ServerPulls are the pull requests of one repository of Bitbucket Server.
// They have no labels.
type ServerPulls struct {
	session       *rest.Session
	project, repo string
}

// NewServerPulls opens a repository.
func NewServerPulls(session *rest.Session, project, repo string) (*ServerPulls, error) {
	if err := rest.Names("project", project, "repo", repo); err != nil {
		return nil, err
	}
	return &ServerPulls{session, project, repo}, nil
}

type serverPull struct {
	ID     int64  `json:"id"`
	Title  string `json:"title"`
	State  string `json:"state"`
	Author struct {
		User struct {
			Name string `json:"name"`
		} `json:"user"`
	} `json:"author"`
	From    serverBranch `json:"fromRef"`
	To      serverBranch `json:"toRef"`
	Updated int64        `json:"updatedDate"` // milliseconds since 1970
}

func (p serverPull) value() appset.PullRequest {
	out := appset.PullRequest{Number: p.ID, Title: p.Title, Author: p.Author.User.Name, Branch: p.From.Name, TargetBranch: p.To.Name, HeadSHA: p.From.Commit}
	if p.Updated > 0 {
		out.Updated = time.UnixMilli(p.Updated).UTC()
	}
	return out
}

// List gives the open ones.
func (p *ServerPulls) List(ctx context.Context) ([]appset.PullRequest, error) {
	found, err := list[serverPull](ctx, p.session, url.Values{"state": {"OPEN"}}, "projects", p.project, "repos", p.repo, "pull-requests")
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s/%s: %w", p.project, p.repo, err)
	}
	var out []appset.PullRequest
	for _, one := range found {
		out = append(out, one.value())
	}
	return out, nil
}

// Find gives one, open or not. One that is not there is fault.Missing.
func (p *ServerPulls) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	var one serverPull
	err := p.session.Get(ctx, &one, nil, "projects", p.project, "repos", p.repo, "pull-requests", strconv.FormatInt(number, 10))
	if err == nil {
		switch one.State {
		case "OPEN", "MERGED", "DECLINED":
		default:
			err = fault.New(fault.Transient, "its state is %q", one.State)
		}
	}
	if err != nil {
		return appset.PullRequest{}, false, fmt.Errorf("read the pull request %s/%s#%d: %w", p.project, p.repo, number, err)
	}
	return one.value(), one.State == "OPEN", nil
}

// Exists is fault.Missing where the repository is not there.
func (p *ServerPulls) Exists(ctx context.Context) error {
	var one struct{}
	if err := p.session.Get(ctx, &one, nil, "projects", p.project, "repos", p.repo); err != nil {
		return fmt.Errorf("read the repository %s/%s: %w", p.project, p.repo, err)
	}
	return nil
}
