package appset

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// atOnce bounds the questions that a forge is asked at the same time. Forges
// take more for abuse.
const atOnce = 4

// scmProvider gives one parameter set per branch of the repositories that the
// filters take, in the order of their names.
func (g *generation) scmProvider(ctx context.Context, gen *v1alpha1.SCMProviderGenerator) ([]params, error) {
	if g.world.Forges == nil {
		return nil, fault.New(fault.Invalid, "no forges are given")
	}
	filters, err := repositoryFilters(gen.Filters)
	if err != nil {
		return nil, err
	}
	forge, err := g.world.Forges.Organization(ctx, g.set.Namespace, gen)
	if err != nil {
		return nil, err
	}
	repositories, err := forge.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	repositories = slices.DeleteFunc(slices.Clone(repositories), func(r Repository) bool { return !filters.take(r) })
	found := make([][]Branch, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, r := range repositories {
		group.Go(func() error {
			branches, err := forge.Branches(ctx, r)
			if err != nil {
				return err
			}
			found[i], err = filters.branches(ctx, forge, r, branches)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	type place struct {
		Repository
		Branch
	}
	var places []place
	for i, r := range repositories {
		for _, b := range found[i] {
			places = append(places, place{r, b})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Repository.Name, b.Repository.Name), cmp.Compare(a.Branch.Name, b.Branch.Name))
	})
	out := make([]params, 0, len(places))
	for _, at := range places {
		p := g.repositoryParams(at.Repository, at.Branch)
		if err := g.addValues(p, gen.Values); err != nil {
			return nil, fmt.Errorf("repository %s/%s, branch %s: %w", at.Organization, at.Repository.Name, at.Branch.Name, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (g *generation) repositoryParams(r Repository, b Branch) params {
	p := params{
		"organization": r.Organization, "repository": r.Name, "repository_id": r.ID, "url": r.URL,
		"branch": b.Name, "branchNormalized": text.Normalize(b.Name),
		"sha": b.SHA, "short_sha": prefix(b.SHA, 8), "short_sha_7": prefix(b.SHA, 7), "labels": strings.Join(r.Labels, ","),
	}
	// Go templates may compare it with a number where the forge has numbers.
	if n, err := strconv.ParseInt(r.ID, 10, 64); err == nil && g.text.Go() {
		p["repository_id"] = n
	}
	return p
}

func prefix(s string, most int) string { return s[:min(len(s), most)] }

// repositoryFilter is one filter: all its conditions must hold.
type repositoryFilter struct {
	name, label, branch *regexp.Regexp
	exist, notExist     []string
}

func (f repositoryFilter) ofRepositories() bool { return f.name != nil || f.label != nil }
func (f repositoryFilter) ofBranches() bool {
	return f.branch != nil || len(f.exist) > 0 || len(f.notExist) > 0
}

// filtersOfRepositories take what any one of them takes, first of the
// repositories and then of the branches, so that little is asked for. A filter
// with conditions of both kinds counts in both turns. A turn that no filter is
// about takes all.
type filtersOfRepositories []repositoryFilter

func repositoryFilters(filters []v1alpha1.SCMProviderGeneratorFilter) (filtersOfRepositories, error) {
	var out filtersOfRepositories
	var all problems
	for i, f := range filters {
		compile := func(field string, pattern *string) *regexp.Regexp { return compiled(&all, i, field, pattern) }
		refused(&all, i, "pathsExist", f.PathsExist)
		refused(&all, i, "pathsDoNotExist", f.PathsDoNotExist)
		out = append(out, repositoryFilter{
			name: compile("repositoryMatch", f.RepositoryMatch), label: compile("labelMatch", f.LabelMatch), branch: compile("branchMatch", f.BranchMatch),
			exist: f.PathsExist, notExist: f.PathsDoNotExist,
		})
	}
	return out, all.err()
}

// compiled gives a filter's pattern, which may match anywhere in a text.
func compiled(all *problems, filter int, field string, pattern *string) *regexp.Regexp {
	if pattern == nil {
		return nil
	}
	r, err := regexp.Compile(*pattern)
	all.add(fmt.Sprintf("filters[%d].%s", filter, field), fault.Wrap(fault.Invalid, err))
	return r
}

// refused tells of what leads out of a repository.
func refused(all *problems, filter int, field string, paths []string) {
	for i, path := range paths {
		if !fs.ValidPath(plain(path)) {
			all.add(fmt.Sprintf("filters[%d].%s[%d]", filter, field, i), fault.New(fault.Invalid, "%q is not a path in a repository", path))
		}
	}
}

func (f filtersOfRepositories) take(r Repository) bool {
	asked := false
	for _, one := range f {
		if !one.ofRepositories() {
			continue
		}
		asked = true
		if (one.name == nil || one.name.MatchString(r.Name)) && (one.label == nil || slices.ContainsFunc(r.Labels, one.label.MatchString)) {
			return true
		}
	}
	return !asked
}

func (f filtersOfRepositories) branches(ctx context.Context, forge Organization, r Repository, all []Branch) ([]Branch, error) {
	mine := slices.DeleteFunc(slices.Clone(f), func(one repositoryFilter) bool { return !one.ofBranches() })
	if len(mine) == 0 {
		return all, nil
	}
	var out []Branch
	for _, b := range all {
		has := &paths{forge: forge, of: r, branch: b, known: map[string]bool{}}
		for _, one := range mine {
			ok, err := has.fit(ctx, one)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, b)
				break
			}
		}
	}
	return out, nil
}

// plain is a path as fs.FS has it.
func plain(path string) string {
	return cmp.Or(strings.Trim(strings.TrimPrefix(path, "./"), "/"), ".")
}

// paths asks for each path of a branch once, and only where it decides.
type paths struct {
	forge  Organization
	of     Repository
	branch Branch
	known  map[string]bool
}

func (p *paths) fit(ctx context.Context, f repositoryFilter) (bool, error) {
	if f.branch != nil && !f.branch.MatchString(p.branch.Name) {
		return false, nil
	}
	for _, want := range []bool{true, false} {
		list := f.notExist
		if want {
			list = f.exist
		}
		for _, path := range list {
			has, err := p.has(ctx, path)
			if err != nil || has != want {
				return false, err
			}
		}
	}
	return true, nil
}

func (p *paths) has(ctx context.Context, path string) (bool, error) {
	if path = plain(path); path == "." {
		return true, nil
	}
	if has, ok := p.known[path]; ok {
		return has, nil
	}
	has, err := p.forge.Has(ctx, p.of, p.branch, path)
	if err == nil {
		p.known[path] = has
	}
	return has, err
}
