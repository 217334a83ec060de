package appset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/filter"
	"github.com/trueup-dev/trueup/appset/place"
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
	filters, wrong := filter.OfRepositories(gen.Filters)
	if err := misfits(wrong); err != nil {
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
	repositories = slices.DeleteFunc(slices.Clone(repositories), func(r Repository) bool { return !filters.Take(r.Name, r.Labels) })
	found := make([][]Branch, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, r := range repositories {
		group.Go(func() error {
			branches, err := forge.Branches(ctx, r)
			if err != nil {
				return err
			}
			for _, b := range branches {
				ok, err := filters.TakeBranch(ctx, b.Name, func(ctx context.Context, path string) (bool, error) { return forge.Has(ctx, r, b, path) })
				if err != nil {
					return err
				}
				if ok {
					found[i] = append(found[i], b)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	type spot struct {
		Repository
		Branch
	}
	var places []spot
	for i, r := range repositories {
		for _, b := range found[i] {
			places = append(places, spot{r, b})
		}
	}
	slices.SortStableFunc(places, func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Repository.Name, b.Repository.Name), cmp.Compare(a.Branch.Name, b.Branch.Name))
	})
	out := make([]params, 0, len(places))
	var all place.Problems
	for _, at := range places {
		p := g.repositoryParams(at.Repository, at.Branch)
		all.About(fmt.Sprintf("repository %s/%s, branch %s", at.Organization, at.Repository.Name, at.Branch.Name), g.addValues(p, gen.Values))
		out = append(out, p)
	}
	return out, all.Err()
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

// misfits gathers what is wrong with filters.
func misfits(wrong []filter.Wrong) error {
	var all place.Problems
	for _, w := range wrong {
		all.Add(w.Place, w.Err)
	}
	return all.Err()
}
