package appset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/filter"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// pullRequest gives one parameter set per pull request that the filters take,
// in the order of their numbers.
func (g *generation) pullRequest(ctx context.Context, gen *v1alpha1.PullRequestGenerator) ([]params, error) {
	if g.world.Forges == nil {
		return nil, fault.New(fault.Invalid, "no forges are given")
	}
	filters, wrong := filter.OfPullRequests(gen.Filters)
	if err := misfits(wrong); err != nil {
		return nil, err
	}
	young, err := g.young(gen)
	if err != nil {
		return nil, err
	}
	all, err := g.world.Forges.PullRequests(ctx, g.set.Namespace, gen)
	if fault.Of(err) == fault.Missing && gen.ContinueOnRepoNotFoundError {
		g.warn(g.running.Path, "the repository is not there, so that it has no pull requests: %v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b PullRequest) int { return cmp.Compare(a.Number, b.Number) })
	// A page that moved while the next was read tells some twice.
	all = slices.CompactFunc(all, func(a, b PullRequest) bool { return a.Number == b.Number })
	if g.verified, err = g.confirmed(ctx, gen, all); err != nil {
		return nil, err
	}
	given := v1alpha1.RepositoryPullRequests{Repository: filter.Repository(gen)}
	var out []params
	var wrongs place.Problems
	for _, one := range all {
		if !filters.Take(one.Branch, one.TargetBranch, one.Title) || !young(one) {
			continue
		}
		p := g.pullRequestParams(one)
		wrongs.About(fmt.Sprintf("pull request %d", one.Number), g.addValues(p, gen.Values))
		given.Numbers = append(given.Numbers, one.Number)
		out = append(out, p)
	}
	g.given = append(g.given, given) // one that has none, too: it was asked
	return out, wrongs.Err()
}

// young tells which pull requests were touched within the time to live.
func (g *generation) young(gen *v1alpha1.PullRequestGenerator) (func(PullRequest) bool, error) {
	if gen.TTL == nil {
		return func(PullRequest) bool { return true }, nil
	}
	life, err := filter.NewLife(gen.TTL.Duration, g.world.Now, &g.until)
	if err != nil {
		return nil, place.At("ttl", err)
	}
	at := g.running.Path + ".ttl"
	return func(one PullRequest) bool {
		if one.Updated.IsZero() {
			g.warn(at, "the forge does not say when pull request %d was last touched, so that it stays", one.Number)
			return true
		}
		return life.Take(one.Updated)
	}, nil
}

// confirmed tells whether a list is known to be complete: every pull request
// of the last answer is in it, or the forge says that it is gone. A list that
// lacks one that is open is an error: the next one may be whole.
func (g *generation) confirmed(ctx context.Context, gen *v1alpha1.PullRequestGenerator, listed []PullRequest) (bool, error) {
	before, known := filter.Given(&g.set.Status, g.running.Path, filter.Repository(gen))
	whole := known
	for _, number := range before {
		if slices.ContainsFunc(listed, func(p PullRequest) bool { return p.Number == number }) {
			continue
		}
		if g.world.States == nil {
			whole = false
			g.lack("what became of pull request %d", number)
			continue
		}
		gone, err := g.world.States.Gone(ctx, g.set.Namespace, gen, number)
		if err != nil {
			return false, fmt.Errorf("ask whether pull request %d is gone: %w", number, err)
		}
		if !gone {
			return false, fault.New(fault.Transient, "the list of pull requests is not whole: it lacks %d, which is open", number)
		}
	}
	return whole, nil
}

func (g *generation) pullRequestParams(one PullRequest) params {
	p := params{
		"number": strconv.FormatInt(one.Number, 10), "title": one.Title, "author": one.Author,
		"branch": one.Branch, "branch_slug": filter.Slug(one.Branch),
		"target_branch": one.TargetBranch, "target_branch_slug": filter.Slug(one.TargetBranch),
		"head_sha": one.HeadSHA, "head_short_sha": prefix(one.HeadSHA, 8), "head_short_sha_7": prefix(one.HeadSHA, 7),
	}
	if g.text.Go() {
		p["labels"] = filter.Labels(one.Labels)
	}
	return p
}
