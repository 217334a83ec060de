package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"path"
	"strconv"

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
	var out []appset.Repository
	err := rest.Pages(func(page int) (bool, error) {
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
			return false, fmt.Errorf("list the projects of %s: %w", g.of.Group, rest.Cause(err))
		}
		for _, p := range found {
			if p == nil || p.Namespace == nil || p.ID == 0 {
				return false, fault.New(fault.Transient, "list the projects of %s: one has no namespace", g.of.Group)
			}
			out = append(out, g.value(p))
		}
		return resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
	return out, err
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
	name := of.Organization + "/" + of.Name
	var out []appset.Branch
	add := func(b *gitlab.Branch) error {
		if b == nil || b.Commit == nil {
			return fault.New(fault.Transient, "list the branches of %s: one has no commit", name)
		}
		out = append(out, appset.Branch{Name: b.Name, SHA: b.Commit.ID})
		return nil
	}
	if !g.of.AllBranches {
		if of.DefaultBranch == "" {
			return nil, nil
		}
		b, _, err := g.client.Branches.GetBranch(of.ID, of.DefaultBranch, gitlab.WithContext(ctx))
		if err = rest.Cause(err); fault.Of(err) == fault.Missing {
			return nil, nil // nothing was pushed yet
		}
		if err != nil {
			return nil, fmt.Errorf("read the branch %s of %s: %w", of.DefaultBranch, name, err)
		}
		return out, add(b)
	}
	err := rest.Pages(func(page int) (bool, error) {
		found, resp, err := g.client.Branches.ListBranches(of.ID, &gitlab.ListBranchesOptions{
			ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage},
		}, gitlab.WithContext(ctx))
		if err = rest.Cause(err); fault.Of(err) == fault.Missing && page == 1 && of.DefaultBranch == "" {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("list the branches of %s: %w", name, err)
		}
		for _, b := range found {
			if err := add(b); err != nil {
				return false, err
			}
		}
		return resp.NextPage > int64(page) || len(found) >= perPage, nil
	})
	return out, err
}

// Has implements appset.Organization: it looks into the folder above.
func (g *Group) Has(ctx context.Context, of appset.Repository, branch appset.Branch, name string) (bool, error) {
	folder := path.Dir(name)
	if folder == "." {
		folder = ""
	}
	has := false
	err := rest.Pages(func(page int) (bool, error) {
		found, resp, err := g.client.Repositories.ListTree(of.ID, &gitlab.ListTreeOptions{
			ListOptions: gitlab.ListOptions{Page: int64(page), PerPage: perPage}, Path: &folder, Ref: &branch.SHA,
		}, gitlab.WithContext(ctx))
		if err = rest.Cause(err); fault.Of(err) == fault.Missing {
			return false, nil // there is no such folder
		}
		if err != nil {
			return false, fmt.Errorf("look for %s in %s/%s: %w", name, of.Organization, of.Name, err)
		}
		for _, entry := range found {
			has = has || entry != nil && entry.Path == name
		}
		return !has && (resp.NextPage > int64(page) || len(found) >= perPage), nil
	})
	return has, err
}
