package gitea

import (
	"context"
	"fmt"
	"path"
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
		total, err := strconv.Atoi(resp.Header.Get("X-Total-Count"))
		return found > 0 && (err != nil || have < total || resp.NextPage > page), nil
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
	var out []*gitea.Repository
	err := pages(func(options gitea.ListOptions) (int, *gitea.Response, error) {
		found, resp, err := list(options)
		for _, r := range found {
			if r == nil || r.Name == "" {
				return 0, nil, fault.New(fault.Transient, "one repository has no name")
			}
		}
		out = append(out, found...)
		return len(found), resp, rest.Cause(err)
	})
	return out, err
}

func (o *Owner) labels(c *gitea.Client, repo string) ([]string, error) {
	var out []string
	err := pages(func(options gitea.ListOptions) (int, *gitea.Response, error) {
		found, resp, err := c.ListRepoLabels(o.of.Name, repo, gitea.ListLabelsOptions{ListOptions: options})
		for _, l := range found {
			out = append(out, l.Name)
		}
		return len(found), resp, rest.Cause(err)
	})
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
	var out []appset.Branch
	add := func(b *gitea.Branch) error {
		if b == nil || b.Commit == nil {
			return fault.New(fault.Transient, "list the branches of %s/%s: one has no commit", of.Organization, of.Name)
		}
		out = append(out, appset.Branch{Name: b.Name, SHA: b.Commit.ID})
		return nil
	}
	if !o.of.AllBranches {
		b, _, err := c.GetRepoBranch(of.Organization, of.Name, of.DefaultBranch)
		if err = rest.Cause(err); fault.Of(err) == fault.Missing {
			return nil, nil // nothing was pushed yet
		}
		if err != nil {
			return nil, fmt.Errorf("read the branch %s of %s/%s: %w", of.DefaultBranch, of.Organization, of.Name, err)
		}
		return out, add(b)
	}
	err = pages(func(options gitea.ListOptions) (int, *gitea.Response, error) {
		found, resp, err := c.ListRepoBranches(of.Organization, of.Name, gitea.ListRepoBranchesOptions{ListOptions: options})
		if err != nil {
			return 0, nil, fmt.Errorf("list the branches of %s/%s: %w", of.Organization, of.Name, rest.Cause(err))
		}
		for _, b := range found {
			if err := add(b); err != nil {
				return 0, nil, err
			}
		}
		return len(found), resp, nil
	})
	return out, err
}

// Has implements appset.Organization: it looks into the folder above, whose
// list holds no content.
func (o *Owner) Has(ctx context.Context, of appset.Repository, branch appset.Branch, name string) (bool, error) {
	c, err := o.client(ctx)
	if err != nil {
		return false, err
	}
	folder := strings.TrimPrefix(path.Dir(name), ".")
	found, _, err := c.ListContents(of.Organization, of.Name, branch.SHA, folder)
	switch err = rest.Cause(err); {
	case fault.Of(err) == fault.Missing:
		return false, nil // there is no such folder
	case err != nil && rest.Status(err) == 0 && err.Error() == "expect directory, got file":
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for %s in %s/%s: %w", name, of.Organization, of.Name, err)
	}
	for _, entry := range found {
		if entry.Path == name {
			return true, nil
		}
	}
	return false, nil
}
