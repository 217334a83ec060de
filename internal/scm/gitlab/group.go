package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/time/rate"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// DefaultAPI is where gitlab.com answers.
const DefaultAPI = "https://gitlab.com"

const perPage = 100

// client is the library's, over our own connection: it neither repeats
// requests, nor waits, nor logs.
func client(session *rest.Session, api string) (*gitlab.Client, error) {
	c, err := gitlab.NewAuthSourceClient(gitlab.Unauthenticated{}, gitlab.WithHTTPClient(session.HTTP()), gitlab.WithBaseURL(cmp.Or(api, DefaultAPI)),
		gitlab.WithoutRetries(), gitlab.WithCustomLimiter(rate.NewLimiter(rate.Inf, math.MaxInt)), gitlab.WithCustomLogger(nil),
		gitlab.WithURLWarningLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("set up a client for GitLab: %w", err))
	}
	return c, nil
}

// Group is one that generators look through.
type Group struct {
	client *gitlab.Client
	of     Options
}

// Options say which projects, and how.
type Options struct {
	Group                                      string
	AllBranches, Subgroups, Shared, NoArchived bool
	Topic                                      string
	SSH                                        bool
}

// NewGroup opens a group; api is empty for gitlab.com.
func NewGroup(session *rest.Session, api string, o Options) (*Group, error) {
	if o.Group == "" {
		return nil, fault.New(fault.Invalid, "group is empty")
	}
	c, err := client(session, api)
	return &Group{c, o}, err
}

// Repositories implements appset.Organization.
func (g *Group) Repositories(ctx context.Context) ([]appset.Repository, error) {
	out, err := rest.Whole(func(r appset.Repository) string { return r.ID }, func(page int) ([]appset.Repository, bool, error) {
		options := &gitlab.ListGroupProjectsOptions{
			ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage}, IncludeSubGroups: &g.of.Subgroups, WithShared: &g.of.Shared,
			OrderBy: new("id"), Sort: new("asc"),
		}
		if g.of.Topic != "" {
			options.Topic = &g.of.Topic
		}
		if g.of.NoArchived {
			options.Archived = new(false)
		}
		found, resp, err := g.client.Groups.ListGroupProjects(g.of.Group, options, gitlab.WithContext(ctx))
		if err != nil {
			return nil, false, rest.Cause(err)
		}
		var some []appset.Repository
		for _, p := range found {
			if p == nil || p.Namespace == nil || p.ID == 0 {
				return nil, false, fault.New(fault.Transient, "one has no namespace")
			}
			some = append(some, g.value(p))
		}
		return some, resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the projects of %s: %w", g.of.Group, err)
	}
	return out, nil
}

func (g *Group) value(p *gitlab.Project) appset.Repository {
	url, labels := p.HTTPURLToRepo, p.Topics
	if g.of.SSH {
		url = p.SSHURLToRepo
	}
	if len(labels) == 0 {
		labels = p.TagList //nolint:staticcheck // what old servers have
	}
	return appset.Repository{
		Organization: p.Namespace.FullPath, Name: p.Path, ID: strconv.FormatInt(p.ID, 10), URL: url, DefaultBranch: p.DefaultBranch, Labels: labels,
	}
}

// Branches implements appset.Organization.
func (g *Group) Branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	if g.of.AllBranches {
		return g.branches(ctx, of)
	}
	if of.DefaultBranch == "" {
		return nil, nil
	}
	b, _, err := g.client.Branches.GetBranch(of.ID, of.DefaultBranch, gitlab.WithContext(ctx))
	var one appset.Branch
	if err = rest.Cause(err); err == nil {
		one, err = branch(b)
	}
	if fault.Of(err) == fault.Missing {
		// Nothing was pushed yet, or the project cannot be read: the list tells.
		all, err := g.branches(ctx, of)
		return slices.DeleteFunc(all, func(b appset.Branch) bool { return b.Name != of.DefaultBranch }), err
	}
	if err != nil {
		return nil, fmt.Errorf("read the branch %s of %s/%s: %w", of.DefaultBranch, of.Organization, of.Name, err)
	}
	return []appset.Branch{one}, nil
}

func (g *Group) branches(ctx context.Context, of appset.Repository) ([]appset.Branch, error) {
	out, err := rest.Whole(func(b appset.Branch) string { return b.Name }, func(page int) ([]appset.Branch, bool, error) {
		found, resp, err := g.client.Branches.ListBranches(of.ID, &gitlab.ListBranchesOptions{
			ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage},
		}, gitlab.WithContext(ctx))
		if err != nil {
			return nil, false, rest.Cause(err)
		}
		var some []appset.Branch
		for _, b := range found {
			one, err := branch(b)
			if err != nil {
				return nil, false, err
			}
			some = append(some, one)
		}
		return some, resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
	if fault.Of(err) == fault.Missing && of.DefaultBranch == "" {
		// Without a repository in it a project has no list of branches. That the
		// project is there is asked for in another way.
		if _, _, err = g.client.Projects.GetProject(of.ID, nil, gitlab.WithContext(ctx)); err == nil {
			return nil, nil
		}
		err = rest.Cause(err)
	}
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s/%s: %w", of.Organization, of.Name, err)
	}
	return out, nil
}

func branch(b *gitlab.Branch) (appset.Branch, error) {
	if b == nil || b.Commit == nil {
		return appset.Branch{}, fault.New(fault.Transient, "one has no commit")
	}
	return appset.Branch{Name: b.Name, SHA: b.Commit.ID}, nil
}

// Has implements appset.Organization. It walks down the folders, each of which
// has a list: that something is not there is never told by a 404.
func (g *Group) Has(ctx context.Context, of appset.Repository, branch appset.Branch, name string) (bool, error) {
	folder := ""
	for segment := range strings.SplitSeq(name, "/") {
		entry, err := g.entry(ctx, of, branch, folder, path.Join(folder, segment))
		if err != nil {
			return false, fmt.Errorf("look for %s in %s/%s: %w", name, of.Organization, of.Name, err)
		}
		if folder = path.Join(folder, segment); entry == nil || folder != name && entry.Type != "tree" {
			return false, nil
		}
	}
	return true, nil
}

// entry finds one in a folder; nil is none.
func (g *Group) entry(ctx context.Context, of appset.Repository, branch appset.Branch, folder, name string) (*gitlab.TreeNode, error) {
	var out *gitlab.TreeNode
	err := rest.Pages(func(page int) (bool, error) {
		found, resp, err := g.client.Repositories.ListTree(of.ID, &gitlab.ListTreeOptions{
			ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage}, Path: &folder, Ref: &branch.SHA,
		}, gitlab.WithContext(ctx))
		if err != nil {
			return false, rest.Cause(err)
		}
		for _, entry := range found {
			if entry != nil && entry.Path == name {
				out = entry
			}
		}
		return out == nil && (resp.NextPage > int64(page) || len(found) >= perPage), nil
	})
	return out, err
}
