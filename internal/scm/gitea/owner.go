package gitea

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"code.gitea.io/sdk/gitea"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// perPage is the most that a Gitea gives as it comes.
const perPage = 50

// server makes the library's clients, one for each context, over our own
// connection.
type server struct {
	session *rest.Session
	api     string
}

func (s server) client(ctx context.Context) (*gitea.Client, error) {
	// Without a version the library does not ask for it each time.
	c, err := gitea.NewClient(s.api, gitea.SetHTTPClient(s.session.HTTP()), gitea.SetContext(ctx), gitea.SetGiteaVersion(""))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("set up a client for Gitea: %w", err))
	}
	return c, nil
}

// pages asks until it has as many as the server says that there are, or until
// a page is empty: pages may be shorter than what was asked for.
func pages(ask func(options gitea.ListOptions) (found int, resp *gitea.Response, err error)) error {
	have := 0
	return rest.Pages(func(page int) (bool, error) {
		found, resp, err := ask(gitea.ListOptions{Page: page, PageSize: perPage})
		if err != nil {
			return false, err
		}
		have += found
		return more(page, found, have, resp), nil
	})
}

// more tells whether there is another page, after a number of items on this
// one and up to here.
func more(page, found, have int, resp *gitea.Response) bool {
	total, err := strconv.Atoi(resp.Header.Get("X-Total-Count"))
	return found > 0 && (err != nil || have < total || resp.NextPage > page)
}

// whole is pages for lists of which nothing may be left out.
func whole[T any](id func(T) string, ask func(options gitea.ListOptions) ([]T, *gitea.Response, error)) ([]T, error) {
	have := 0
	return rest.Whole(id, func(page int) ([]T, bool, error) {
		if page == 1 {
			have = 0
		}
		found, resp, err := ask(gitea.ListOptions{Page: page, PageSize: perPage})
		if err != nil {
			return nil, false, rest.Cause(err)
		}
		have += len(found)
		return found, more(page, len(found), have, resp), nil
	})
}

// Owner is an organization or a user that generators look through.
type Owner struct {
	server
	of Options
}

// Options say which repositories, and how.
type Options struct {
	Name                         string
	AllBranches, ExcludeArchived bool
	SSH                          bool
}

// NewOwner opens an organization or user.
func NewOwner(session *rest.Session, api string, o Options) (*Owner, error) {
	return &Owner{server{session, api}, o}, rest.Name("owner", o.Name)
}

// Repositories implements appset.Organization. Labels are those for the
// repository's issues, as in Argo CD.
func (o *Owner) Repositories(ctx context.Context) ([]appset.Repository, error) {
	c, err := o.client(ctx)
	if err != nil {
		return nil, err
	}
	list := func(options gitea.ListOptions) ([]*gitea.Repository, *gitea.Response, error) {
		return c.ListOrgRepos(o.of.Name, gitea.ListOrgReposOptions{ListOptions: options})
	}
	found, err := repositories(list)
	if fault.Of(err) == fault.Missing { // it is no organization
		found, err = repositories(func(options gitea.ListOptions) ([]*gitea.Repository, *gitea.Response, error) {
			return c.ListUserRepos(o.of.Name, gitea.ListReposOptions{ListOptions: options})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", o.of.Name, err)
	}
	var out []appset.Repository
	for _, r := range found {
		if r.Archived && o.of.ExcludeArchived {
			continue
		}
		url := r.HTMLURL
		if o.of.SSH {
			url = r.SSHURL
		}
		main := r.DefaultBranch
		if r.Empty {
			main = "" // it is only planned
		}
		labels, err := o.labels(c, r.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, appset.Repository{
			Organization: o.of.Name, Name: r.Name, ID: strconv.FormatInt(r.ID, 10), URL: url, DefaultBranch: main, Labels: labels,
		})
	}
	return out, nil
}

func repositories(list func(gitea.ListOptions) ([]*gitea.Repository, *gitea.Response, error)) ([]*gitea.Repository, error) {
	return whole(func(r *gitea.Repository) string { return strconv.FormatInt(r.ID, 10) }, func(options gitea.ListOptions) ([]*gitea.Repository, *gitea.Response, error) {
		found, resp, err := list(options)
		for _, r := range found {
			if r == nil || r.Name == "" {
				return nil, nil, fault.New(fault.Transient, "one repository has no name")
			}
		}
		return found, resp, err
	})
}

func (o *Owner) labels(c *gitea.Client, repo string) ([]string, error) {
	found, err := whole(func(l *gitea.Label) string { return l.Name }, func(options gitea.ListOptions) ([]*gitea.Label, *gitea.Response, error) {
		found, resp, err := c.ListRepoLabels(o.of.Name, repo, gitea.ListLabelsOptions{ListOptions: options})
		if slices.Contains(found, nil) {
			return nil, nil, fault.New(fault.Transient, "one is empty")
		}
		return found, resp, err
	})
	var out []string
	for _, l := range found {
		out = append(out, l.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("list the labels of %s/%s: %w", o.of.Name, repo, err)
	}
	return out, nil
}

// Branches implements appset.Organization.
func (o *Owner) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	if err := rest.Name("repository", of.Name); err != nil {
		return nil, err
	}
	if of.DefaultBranch == "" { // where Gitea's list would be null
		return nil, nil
	}
	c, err := o.client(ctx)
	if err != nil {
		return nil, err
	}
	if o.of.AllBranches {
		return branches(c, of)
	}
	b, _, err := c.GetRepoBranch(of.Organization, of.Name, of.DefaultBranch)
	if err = rest.Cause(err); err == nil {
		err = committed(b)
	}
	if fault.Of(err) == fault.Missing {
		// Nothing was pushed yet, or the repository cannot be read: the list tells.
		all, err := branches(c, of)
		return slices.DeleteFunc(all, func(b appset.Branch) bool { return b.Name != of.DefaultBranch }), err
	}
	if err != nil {
		return nil, fmt.Errorf("read the branch %s of %s/%s: %w", of.DefaultBranch, of.Organization, of.Name, err)
	}
	return []appset.Branch{{Name: b.Name, SHA: b.Commit.ID}}, nil
}

func branches(c *gitea.Client, of appset.Repository) ([]appset.Branch, error) {
	found, err := whole(func(b *gitea.Branch) string { return b.Name }, func(options gitea.ListOptions) ([]*gitea.Branch, *gitea.Response, error) {
		found, resp, err := c.ListRepoBranches(of.Organization, of.Name, gitea.ListRepoBranchesOptions{ListOptions: options})
		for _, b := range found {
			if err == nil {
				err = committed(b)
			}
		}
		return found, resp, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", of.Organization, of.Name, err)
	}
	var out []appset.Branch
	for _, b := range found {
		out = append(out, appset.Branch{Name: b.Name, SHA: b.Commit.ID})
	}
	return out, nil
}

func committed(b *gitea.Branch) error {
	if b == nil || b.Commit == nil {
		return fault.New(fault.Transient, "one has no commit")
	}
	return nil
}

// Has implements appset.Organization. It walks down the folders, whose lists
// hold no content: that something is not there is never told by a 404.
func (o *Owner) Has(ctx context.Context, of appset.Repository, branch appset.Branch, name string) (bool, error) {
	c, err := o.client(ctx)
	if err != nil {
		return false, err
	}
	folder := ""
	segments := strings.Split(name, "/")
	for n := range segments {
		found, _, err := c.ListContents(of.Organization, of.Name, branch.SHA, folder)
		if err = rest.Cause(err); err != nil {
			return false, fmt.Errorf("look for %s in %s/%s: %w", name, of.Organization, of.Name, err)
		}
		folder = strings.Join(segments[:n+1], "/")
		i := slices.IndexFunc(found, func(e *gitea.ContentsResponse) bool { return e != nil && e.Path == folder })
		if i < 0 || n < len(segments)-1 && found[i].Type != "dir" {
			return false, nil
		}
	}
	return true, nil
}
