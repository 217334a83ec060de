package github

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-github/v88/github"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// DefaultAPI is where github.com answers.
const DefaultAPI = "https://api.github.com"

const perPage = 100

// client is the library's, over our own connection. API is empty for
// github.com.
func client(session *rest.Session, api string) (*github.Client, error) {
	options := []github.ClientOptionsFunc{github.WithHTTPClient(session.HTTP()), github.WithDisableRateLimitCheck()}
	if api != "" {
		options = append(options, github.WithEnterpriseURLs(api, api))
	}
	c, err := github.NewClient(options...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("set up a client for GitHub: %w", err))
	}
	return c, nil
}

// Organization is one that generators look through.
type Organization struct {
	client *github.Client
	of     Options
}

// Options say which repositories, and how.
type Options struct {
	Name                         string
	AllBranches, ExcludeArchived bool
	// SSH asks for URLs of that protocol.
	SSH bool
}

// NewOrganization opens an organization; api is empty for github.com.
func NewOrganization(session *rest.Session, api string, o Options) (*Organization, error) {
	if err := rest.Name("organization", o.Name); err != nil {
		return nil, err
	}
	c, err := client(session, api)
	return &Organization{c, o}, err
}

// Repositories implements appset.Organization.
func (o *Organization) Repositories(ctx context.Context) ([]appset.Repository, error) {
	id := func(r *github.Repository) string { return strconv.FormatInt(r.GetID(), 10) }
	all, err := rest.Whole(id, func(page int) ([]*github.Repository, bool, error) {
		found, resp, err := o.client.Repositories.ListByOrg(ctx, o.of.Name, &github.RepositoryListByOrgOptions{
			Sort: "full_name", ListOptions: github.ListOptions{Page: page, PerPage: perPage},
		})
		if err != nil {
			return nil, false, rest.Cause(err)
		}
		for _, r := range found {
			if r.GetName() == "" || r.GetOwner().GetLogin() == "" || r.GetID() == 0 {
				return nil, false, fault.New(fault.Transient, "one has no name")
			}
		}
		return found, resp.NextPage > page || len(found) >= perPage, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the repositories of %s: %w", o.of.Name, err)
	}
	var out []appset.Repository
	for _, r := range all {
		if o.of.ExcludeArchived && r.GetArchived() {
			continue
		}
		url := r.GetCloneURL()
		if o.of.SSH {
			url = r.GetSSHURL()
		}
		out = append(out, appset.Repository{
			Organization: r.GetOwner().GetLogin(), Name: r.GetName(), ID: id(r), URL: url, DefaultBranch: r.GetDefaultBranch(), Labels: r.Topics,
		})
	}
	return out, nil
}

// Branches implements appset.Organization.
func (o *Organization) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	if err := rest.Name("repository", of.Name); err != nil {
		return nil, err
	}
	if !o.of.AllBranches {
		return o.defaultBranch(ctx, of)
	}
	return o.branches(ctx, of)
}

func (o *Organization) branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	out, err := rest.Whole(func(b appset.Branch) string { return b.Name }, func(page int) ([]appset.Branch, bool, error) {
		found, resp, err := o.client.Repositories.ListBranches(ctx, of.Organization, of.Name, &github.BranchListOptions{
			ListOptions: github.ListOptions{Page: page, PerPage: perPage},
		})
		if err != nil {
			return nil, false, rest.Cause(err)
		}
		var some []appset.Branch
		for _, b := range found {
			some = append(some, appset.Branch{Name: b.GetName(), SHA: b.GetCommit().GetSHA()})
		}
		return some, resp.NextPage > page || len(found) >= perPage, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", of.Organization, of.Name, err)
	}
	return out, nil
}

func (o *Organization) defaultBranch(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	if of.DefaultBranch == "" {
		return nil, nil
	}
	b, _, err := o.client.Repositories.GetBranch(ctx, of.Organization, of.Name, of.DefaultBranch, 2)
	if err = rest.Cause(err); fault.Of(err) == fault.Missing {
		// Nothing was pushed yet, or the repository cannot be read: the list tells.
		all, err := o.branches(ctx, of)
		return slices.DeleteFunc(all, func(b appset.Branch) bool { return b.Name != of.DefaultBranch }), err
	}
	if err != nil {
		return nil, fmt.Errorf("read the branch %s of %s/%s: %w", of.DefaultBranch, of.Organization, of.Name, err)
	}
	return []appset.Branch{{Name: b.GetName(), SHA: b.GetCommit().GetSHA()}}, nil
}

// Has implements appset.Organization. It walks down Git's trees, which have an
// answer also where the path has not: a 404 would count against the rate limit
// at each poll.
func (o *Organization) Has(ctx context.Context, of appset.Repository, branch appset.Branch, path string) (bool, error) {
	at := branch.SHA
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		tree, _, err := o.client.Git.GetTree(ctx, of.Organization, of.Name, at, false)
		if err != nil {
			return false, fmt.Errorf("look for %s in %s/%s: %w", path, of.Organization, of.Name, rest.Cause(err))
		}
		entry := slices.IndexFunc(tree.Entries, func(e *github.TreeEntry) bool { return e.GetPath() == segment })
		switch {
		case entry < 0 && tree.GetTruncated():
			return false, fault.New(fault.Invalid, "look for %s in %s/%s: a folder of it has too many files", path, of.Organization, of.Name)
		case entry < 0:
			return false, nil
		case i < len(segments)-1 && tree.Entries[entry].GetType() != "tree":
			return false, nil
		}
		at = tree.Entries[entry].GetSHA()
	}
	return true, nil
}
