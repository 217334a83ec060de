package appset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/trueup-dev/trueup/api/v1alpha1"
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
func (g *generation) sets(ctx context.Context, n *node, scope params) ([]parameterSet, error) {
	gen, err := g.scoped(n, scope)
	if err != nil {
		return nil, err
	}
	var out []parameterSet
	switch n.kind {
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
		return nil, at(n.path, fault.New(fault.Invalid, "it gives more than %d parameter sets", maxSets))
	}
	out, err = selected(out, gen.Selector)
	return out, at(n.entry, err)
}

// scoped fills the texts of a generator with parameters, except for its
// values, which also see what it gives itself, and for the generators in it,
// which have their turn later.
func (g *generation) scoped(n *node, scope params) (v1alpha1.ApplicationSetGenerator, error) {
	if len(scope) == 0 || !n.templated && !n.nulls {
		return n.gen, nil
	}
	raw, err := json.Marshal(n.gen)
	if err != nil {
		return n.gen, at(n.path, err)
	}
	var tree map[string]map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return n.gen, at(n.path, err)
	}
	aside := map[string]any{}
	for _, key := range []string{"values", "generators", "template"} {
		if value, ok := tree[n.kind][key]; ok {
			aside[key] = value
			delete(tree[n.kind], key)
		}
	}
	var all problems
	for key, under := range tree {
		filled, err := g.text.Tree(under, scope, nil)
		all.add(join(n.entry, key), err)
		if err == nil {
			tree[key] = filled.(map[string]any)
		}
	}
	if values, ok := aside["values"].(map[string]any); ok && n.kind == "clusterDecisionResource" {
		// These see nothing that the generator gives itself.
		for key, value := range values {
			if template, ok := value.(string); ok {
				values[key], err = g.text.Strictly(template, scope)
				all.add(join(n.path, "values."+key), err)
			}
		}
	}
	if err := all.err(); err != nil {
		return n.gen, err
	}
	maps.Copy(tree[n.kind], aside)
	if raw, err = json.Marshal(tree); err != nil {
		return n.gen, at(n.path, err)
	}
	var out v1alpha1.ApplicationSetGenerator
	return out, at(n.path, fault.Wrap(fault.Invalid, json.Unmarshal(raw, &out)))
}

// leaf asks a generator that asks the world. Each gives plain parameters; here
// they get their origin, and their number is told.
func (g *generation) leaf(ctx context.Context, n *node, gen *v1alpha1.ApplicationSetGenerator, scope params) ([]parameterSet, error) {
	g.running, g.scope, g.verified, g.given, g.notes = n, scope, false, nil, nil
	var sets []params
	var err error
	switch n.kind {
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
		return nil, at(n.path, err)
	}
	g.answer(n, len(sets))
	out := make([]parameterSet, len(sets))
	for i, p := range sets {
		out[i] = parameterSet{p, Origin{Generator: n.path, Parameters: p, Note: g.note(n.kind, i, p)}}
	}
	return out, nil
}

// answer adds up what a generator gave over all the times that it was asked.
func (g *generation) answer(n *node, count int) {
	verified := g.verified || n.kind == "list" || n.kind == "clusters" || n.kind == "git"
	for i := range g.answers {
		if a := &g.answers[i]; a.Path == n.path {
			a.ParameterSets += count
			a.Verified = a.Verified && verified
			a.PullRequests = withGiven(a.PullRequests, g.given)
			return
		}
	}
	g.answers = append(g.answers, Answer{Path: n.path, ParameterSets: count, Verified: verified, PullRequests: g.given})
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
