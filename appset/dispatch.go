package appset

import (
	"context"
	"fmt"
	"slices"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/filter"
	"github.com/trueup-dev/trueup/appset/outline"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// maxSets bounds the parameter sets of one set: a matrix multiplies.
const maxSets = 100_000

// parameterSet is the parameters of one application to be, and where they
// come from.
type parameterSet struct {
	params params
	origin Origin
}

// sets asks a generator, after what the generators before it in a matrix gave:
// scope, which is empty for all others.
func (g *generation) sets(ctx context.Context, n *outline.Node, scope params) ([]parameterSet, error) {
	gen, err := n.Filled(g.text, scope)
	if err != nil {
		return nil, err
	}
	var out []parameterSet
	switch n.Kind {
	case "matrix":
		out, err = g.matrix(ctx, n, scope)
	case "merge":
		out, err = g.merge(ctx, n, gen.Merge, scope)
	default:
		out, err = g.leaf(ctx, n, &gen, scope)
	}
	if err != nil {
		return nil, err
	}
	if len(out) > maxSets {
		return nil, place.At(n.Path, fault.New(fault.Invalid, "it gives more than %d parameter sets", maxSets))
	}
	out, err = selected(out, gen.Selector)
	return out, place.At(n.Entry, err)
}

// leaf asks a generator that asks the world. Each gives plain parameters; here
// they get their origin, and their number is told.
func (g *generation) leaf(ctx context.Context, n *outline.Node, gen *v1alpha1.ApplicationSetGenerator, scope params) ([]parameterSet, error) {
	g.running, g.scope, g.verified, g.lacks, g.given, g.notes = n, scope, false, nil, nil, nil
	var sets []params
	var err error
	switch n.Kind {
	case "list":
		sets, err = g.list(ctx, gen.List)
	case "clusters":
		sets, err = g.clusters(ctx, gen.Clusters)
	case "git":
		sets, err = g.git(ctx, gen.Git)
	case "scmProvider":
		sets, err = g.scmProvider(ctx, gen.SCMProvider)
	case "pullRequest":
		sets, err = g.pullRequest(ctx, gen.PullRequest)
	case "clusterDecisionResource":
		sets, err = g.clusterDecisionResource(ctx, gen.ClusterDecisionResource)
	case "plugin":
		sets, err = g.plugin(ctx, gen.Plugin)
	}
	if err != nil {
		return nil, place.At(n.Path, err)
	}
	if err := g.answer(n, gen, len(sets)); err != nil {
		return nil, place.At(n.Path, err)
	}
	out := make([]parameterSet, len(sets))
	for i, p := range sets {
		if n.Kind != "git" { // which counts one file after the other
			if err := g.load.Add(param.Weight(p)); err != nil {
				return nil, place.At(n.Path, err)
			}
		}
		out[i] = parameterSet{p, Origin{Generator: n.Path, Parameters: p, Note: g.note(n.Kind, i, p)}}
	}
	return out, nil
}

// answer adds up what a generator gave over all the times that it was asked.
func (g *generation) answer(n *outline.Node, asked *v1alpha1.ApplicationSetGenerator, count int) error {
	verified := g.verified || n.Kind == "list" || n.Kind == "clusters" || n.Kind == "git"
	i := slices.IndexFunc(g.answers, func(a Answer) bool { return a.Path == n.Path })
	if i < 0 {
		i, g.answers = len(g.answers), append(g.answers, Answer{Path: n.Path, Verified: true})
	}
	a := &g.answers[i]
	a.ParameterSets += count
	a.Verified = a.Verified && verified
	a.Lacks = slices.Compact(slices.Sorted(slices.Values(append(a.Lacks, g.lacks...))))
	a.PullRequests = filter.Merged(a.PullRequests, g.given)
	if count > 0 || verified {
		return nil
	}
	question, err := outline.Question(asked)
	if at, known := slices.BinarySearch(a.Empty, question); err == nil && !known {
		a.Empty = slices.Insert(a.Empty, at, question)
	}
	return err
}

// lack tells that a generator knows its answer to be a part.
func (g *generation) lack(format string, args ...any) {
	g.lacks = append(g.lacks, fmt.Sprintf(format, args...))
}

// warn tells, once, of something that was left out on purpose.
func (g *generation) warn(place, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if place != "" {
		text = place + ": " + text
	}
	for _, w := range g.warnings {
		if w == text {
			return
		}
	}
	g.warnings = append(g.warnings, text)
}

// note says in a few words what a parameter set is about. Generators whose
// parameters do not say it put notes beside them.
func (g *generation) note(kind string, i int, p params) string {
	text := func(key string) string {
		s, _ := p[key].(string)
		return s
	}
	switch {
	case i < len(g.notes):
		return g.notes[i]
	case text("name") != "" && (kind == "clusters" || kind == "clusterDecisionResource"):
		return "cluster " + text("name")
	case kind == "scmProvider":
		return fmt.Sprintf("repository %s/%s, branch %s", text("organization"), text("repository"), text("branch"))
	case kind == "pullRequest":
		return fmt.Sprintf("pull request %v: %s", p["number"], text("title"))
	}
	return ""
}
