package azure

import (
	"cmp"
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

// DefaultAPI is where dev.azure.com answers.
const DefaultAPI = "https://dev.azure.com"

const (
	version = "7.1"
	heads   = "refs/heads/"
)

// API is the address of an organization's REST API; address is empty for
// dev.azure.com.
func API(address, organization string) (string, error) {
	if err := rest.Name("organization", organization); err != nil {
		return "", err
	}
	return strings.TrimSuffix(cmp.Or(address, DefaultAPI), "/") + "/" + url.PathEscape(organization), nil
}

// Options say which repositories, and how.
type Options struct {
	Organization, Project string
	AllBranches           bool
}

// Project is a team project that generators look through.
type Project struct {
	session *rest.Session
	of      Options
}

// NewProject opens a team project.
func NewProject(session *rest.Session, o Options) (*Project, error) {
	return &Project{session, o}, rest.Name("teamProject", o.Project)
}

// list is one page of an answer.
type list[T any] struct {
	Value *[]T `json:"value"`
}

func page[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) ([]T, error) {
	query.Set("api-version", version)
	var answer list[T]
	if err := session.Get(ctx, &answer, query, segments...); err != nil {
		return nil, err
	}
	if answer.Value == nil {
		return nil, fault.New(fault.Transient, "the answer holds no list of values")
	}
	return *answer.Value, nil
}

// skipping reads every page of a list that is asked for by numbers.
func skipping[T any](ctx context.Context, session *rest.Session, query url.Values, segments ...string) ([]T, error) {
	const top = 100
	var out []T
	return out, rest.Pages(func(int) (bool, error) {
		query.Set("$top", strconv.Itoa(top))
		query.Set("$skip", strconv.Itoa(len(out)))
		found, err := page[T](ctx, session, query, segments...)
		out = append(out, found...)
		return len(found) > 0, err
	})
}

// Repositories implements appset.Organization. The URL is the one for HTTPS,
// as in Argo CD; there are no labels. The server gives them all at once.
func (p *Project) Repositories(ctx context.Context) ([]appset.Repository, error) {
	type repository struct {
		ID            string `json:"id"`
		Name          string `json:"name"`
		DefaultBranch string `json:"defaultBranch"`
		RemoteURL     string `json:"remoteUrl"`
		Disabled      bool   `json:"isDisabled"`
	}
	found, err := page[repository](ctx, p.session, url.Values{}, p.of.Project, "_apis", "git", "repositories")
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", p.of.Project, err)
	}
	var out []appset.Repository
	for _, r := range found {
		if r.Name == "" || r.ID == "" {
			return nil, fault.New(fault.Transient, "list the repositories of %s: one has no name", p.of.Project)
		}
		if r.DefaultBranch == "" || r.RemoteURL == "" || r.Disabled {
			continue // nothing was pushed yet, or nobody can read it
		}
		out = append(out, appset.Repository{
			Organization: p.of.Organization, Name: r.Name, ID: r.ID, URL: r.RemoteURL, DefaultBranch: strings.TrimPrefix(r.DefaultBranch, heads),
		})
	}
	return out, nil
}

// Branches implements appset.Organization.
func (p *Project) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	type ref struct {
		Name   string `json:"name"`
		Object string `json:"objectId"`
	}
	filter := "heads/"
	if !p.of.AllBranches {
		if of.DefaultBranch == "" {
			return nil, nil
		}
		filter += of.DefaultBranch // a prefix of others, too
	}
	query := url.Values{"filter": {filter}, "$top": {"1000"}, "api-version": {version}}
	out, err := rest.Whole(func(b appset.Branch) string { return b.Name }, func(number int) ([]appset.Branch, bool, error) {
		if number == 1 {
			query.Del("continuationToken")
		}
		var answer list[ref]
		header, err := p.session.GetHeader(ctx, &answer, query, p.of.Project, "_apis", "git", "repositories", of.ID, "refs")
		if err != nil {
			return nil, false, err
		}
		if answer.Value == nil {
			return nil, false, fault.New(fault.Transient, "the answer holds no list of values")
		}
		var some []appset.Branch
		for _, r := range *answer.Value {
			if name, ok := strings.CutPrefix(r.Name, heads); ok && (p.of.AllBranches || name == of.DefaultBranch) {
				some = append(some, appset.Branch{Name: name, SHA: r.Object})
			}
		}
		next := header.Get("X-Ms-Continuationtoken")
		query.Set("continuationToken", next)
		return some, next != "", nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", p.of.Project, of.Name, err)
	}
	return out, nil
}

// Has implements appset.Organization.
func (p *Project) Has(ctx context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	at := func(path string) url.Values {
		return url.Values{
			"path": {path}, "$format": {"json"}, "versionDescriptor.versionType": {"commit"}, "versionDescriptor.version": {branch.SHA},
			"api-version": {version},
		}
	}
	items := []string{p.of.Project, "_apis", "git", "repositories", of.ID, "items"}
	has, err := p.session.HasBelow(ctx, at("/"), items, at("/"+path), items)
	if err != nil {
		return false, fmt.Errorf("look for %s in %s/%s: %w", path, p.of.Project, of.Name, err)
	}
	return has, nil
}

// Pulls are the pull requests of one repository.
type Pulls struct {
	session *rest.Session
	repo    []string
	name    string
	dated   bool
}

// NewPulls opens a repository. Where dated is set, the commit of each is asked
// for its time: the server does not say when a pull request was touched.
func NewPulls(session *rest.Session, project, repo string, dated bool) (*Pulls, error) {
	if err := rest.Names("project", project, "repo", repo); err != nil {
		return nil, err
	}
	return &Pulls{session, []string{project, "_apis", "git", "repositories", repo}, project + "/" + repo, dated}, nil
}

type pull struct {
	ID      int64     `json:"pullRequestId"`
	Title   string    `json:"title"`
	Status  string    `json:"status"`
	Source  string    `json:"sourceRefName"`
	Target  string    `json:"targetRefName"`
	Created time.Time `json:"creationDate"`
	Author  struct {
		Name string `json:"uniqueName"`
	} `json:"createdBy"`
	Commit struct {
		ID string `json:"commitId"`
	} `json:"lastMergeSourceCommit"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
}

func (p pull) value() appset.PullRequest {
	author, _, _ := strings.Cut(p.Author.Name, "@")
	out := appset.PullRequest{
		Number: p.ID, Title: p.Title, Author: author, Branch: strings.TrimPrefix(p.Source, heads), TargetBranch: strings.TrimPrefix(p.Target, heads),
		HeadSHA: p.Commit.ID,
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.Name)
	}
	return out
}

func (p *Pulls) path(more ...string) []string {
	return append(p.repo[:len(p.repo):len(p.repo)], more...)
}

// List gives the open ones.
func (p *Pulls) List(ctx context.Context) ([]appset.PullRequest, error) {
	found, err := skipping[pull](ctx, p.session, url.Values{"searchCriteria.status": {"active"}}, p.path("pullrequests")...)
	if err != nil {
		return nil, fmt.Errorf("list the pull requests of %s: %w", p.name, err)
	}
	var out []appset.PullRequest
	for _, one := range found {
		v := one.value()
		if v.HeadSHA == "" {
			continue // the server has not looked at it yet
		}
		if p.dated {
			if v.Updated, err = p.committed(ctx, v.HeadSHA); err != nil {
				return nil, err
			}
			if v.Updated.Before(one.Created) {
				v.Updated = one.Created.UTC()
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (p *Pulls) committed(ctx context.Context, sha string) (time.Time, error) {
	var commit struct {
		Committer struct {
			Date time.Time `json:"date"`
		} `json:"committer"`
	}
	if err := p.session.Get(ctx, &commit, url.Values{"api-version": {version}}, p.path("commits", sha)...); err != nil {
		return time.Time{}, fmt.Errorf("read the commit %s of %s: %w", sha, p.name, err)
	}
	return commit.Committer.Date.UTC(), nil
}

// Find gives one, open or not. One that is not there is fault.Missing.
func (p *Pulls) Find(ctx context.Context, number int64) (appset.PullRequest, bool, error) {
	var one pull
	err := p.session.Get(ctx, &one, url.Values{"api-version": {version}}, p.path("pullrequests", strconv.FormatInt(number, 10))...)
	if err == nil {
		switch one.Status {
		case "active", "abandoned", "completed":
		default:
			err = fault.New(fault.Transient, "its status is %q", one.Status)
		}
	}
	if err != nil {
		return appset.PullRequest{}, false, fmt.Errorf("read the pull request %s#%d: %w", p.name, number, err)
	}
	return one.value(), one.Status == "active", nil
}

// Exists is fault.Missing where the repository is not there.
func (p *Pulls) Exists(ctx context.Context) error {
	var one struct{}
	if err := p.session.Get(ctx, &one, url.Values{"api-version": {version}}, p.repo...); err != nil {
		return fmt.Errorf("read the repository %s: %w", p.name, err)
	}
	return nil
}
