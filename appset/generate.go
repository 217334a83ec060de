package appset

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/fill"
	"github.com/trueup-dev/trueup/appset/outline"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Finalizer has an application's objects deleted with it.
const Finalizer = fill.Finalizer

// params are the parameters of one application to be.
type params = map[string]any

// Generate expands a set. An error, which names everything that is wrong and
// its place in the document, means that the set says nothing about which
// applications there should be: nothing may be changed. Without one the result
// is complete, except for what is rejected.
func Generate(ctx context.Context, set *v1alpha1.ApplicationSet, world World) (Result, error) {
	result, err := Result{}, error(nil)
	if set.Malformed != "" {
		err = fault.New(fault.Invalid, "%s", set.Malformed)
	} else {
		result, err = generate(ctx, set, world)
	}
	if err != nil {
		return Result{}, fmt.Errorf("expand ApplicationSet %s: %w", set.Name, err)
	}
	return result, nil
}

// generation is one expansion of one set.
type generation struct {
	set   *v1alpha1.ApplicationSet
	world World
	text  *text.Language

	// running is the generator that is asked at the moment, and scope what the
	// generators before it in a matrix gave.
	running *outline.Node
	scope   params
	// verified is set by a generator whose answer is complete even if empty.
	verified bool
	// lacks are what a generator knows that its answer has not.
	lacks []string
	// given are the pull requests that a generator gave parameters for.
	given []v1alpha1.RepositoryPullRequests
	// until is when the first of them have lived.
	until time.Time
	// notes are what its parameter sets are about, where it says so.
	notes []string

	// What was asked once for all generators.
	known  []Cluster
	listed bool
	trees  map[snapshot.Location]snapshot.FS

	answers  []Answer
	warnings []string
	// unfit has for each application why it cannot be, refused all of these.
	unfit   []error
	refused place.Problems

	// load is all parameter sets so far, size all applications in bytes.
	load param.Load
	size int
}

// maxSize bounds what one set may make: a template is small, and there may be
// many of what comes of it.
const maxSize = 128 << 20

func generate(ctx context.Context, set *v1alpha1.ApplicationSet, world World) (Result, error) {
	g := &generation{set: set, world: world}
	var all place.Problems
	var err error
	g.text, err = text.New(text.Options{Go: set.Spec.GoTemplate, Templates: set.Spec.GoTemplateOptions, YAML: param.VersionOf(set.Spec.YAMLVersion), Stop: ctx.Err})
	all.Add("goTemplateOptions", err)
	nodes, warnings, err := outline.Read(set)
	g.warnings = warnings
	all.Add("", err)
	if err := all.Err(); err != nil {
		return Result{}, g.check(nodes, all) // nobody is asked
	}
	var result Result
	used := false
	for _, n := range nodes {
		sets, err := g.sets(ctx, n, nil)
		if err != nil {
			all.Add("", err)
			continue
		}
		used = used || len(sets) > 0
		all.Add("", g.fill(n, sets, &result))
	}
	switch err := all.Err(); {
	case err != nil && !used:
		return Result{}, g.check(nodes, all)
	case err != nil:
		all.Add("", g.refused.Err())
		return Result{}, all.Err()
	}
	result.Answers, result.Warnings, result.Until = g.answers, g.warnings, g.until
	g.arrange(&result)
	return result, nil
}

// check adds what is wrong with the templates to what else is wrong, where
// none was filled.
func (g *generation) check(nodes []*outline.Node, all place.Problems) error {
	for _, n := range nodes {
		template, err := fill.New(g.text, g.set, n.Template, n.Path)
		all.Add("", err)
		if err == nil {
			all.Add("", template.Check())
		}
	}
	return all.Err()
}

// fill makes applications of the parameter sets of one generator.
func (g *generation) fill(n *outline.Node, sets []parameterSet, result *Result) error {
	template, err := fill.New(g.text, g.set, n.Template, n.Path)
	if err != nil {
		return err
	}
	template.Literals = g.world.Literals
	for _, w := range template.Idle(len(sets)) {
		g.warn("", "%s", w)
	}
	var all place.Problems
	var failures, unfit place.Groups
	for i, set := range sets {
		filled, err := template.Fill(set.params)
		if err != nil {
			failures.Add(i, err)
			continue
		}
		if g.size += filled.Size; g.size > maxSize {
			return place.At("template", fault.New(fault.Invalid, "the applications of the set grow beyond %d MiB", maxSize>>20))
		}
		for _, w := range filled.Warnings {
			g.warn("", "%s", w)
		}
		result.Applications = append(result.Applications, filled.Application)
		result.Explained = append(result.Explained, explained(filled, set.origin))
		g.unfit = append(g.unfit, filled.Unfit)
		unfit.Add(i, filled.Unfit)
	}
	unfit.Into(&g.refused, "parameter set", n.Path)
	failures.Into(&all, "parameter set", n.Path)
	return all.Err()
}

func explained(filled fill.Filled, from Origin) Explanation {
	out := Explanation{Application: filled.Application.Name, Origin: from, Fields: make([]Field, len(filled.Texts))}
	for i, t := range filled.Texts {
		out.Fields[i] = Field{Path: t.Path, From: "spec." + t.From, Template: t.Template, Value: t.Value, Uses: t.Uses, Note: t.Note}
	}
	slices.SortStableFunc(out.Fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// arrange sorts the applications by name, and rejects those that cannot be, or
// cannot be told from others by it. One that cannot be holds its name as well.
func (g *generation) arrange(result *Result) {
	order := make([]int, len(result.Applications))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return strings.Compare(result.Applications[a].Name, result.Applications[b].Name)
	})
	apps, explained, first := []v1alpha1.Application(nil), []Explanation(nil), Explanation{}
	for _, i := range order {
		app, from, err := result.Applications[i], result.Explained[i], g.unfit[i]
		switch {
		case app.Name == "" && err == nil:
			err = fault.New(fault.Invalid, "an application has no name")
		case app.Name != "" && first.Application == app.Name:
			err = fault.New(fault.Conflict, "%s gave the name %s already: the first application is kept", first.Origin.Generator, app.Name)
		default:
			first = from
		}
		if err != nil {
			result.Rejected = append(result.Rejected, Rejection{Name: app.Name, Generator: from.Origin.Generator, Err: err})
			continue
		}
		apps, explained = append(apps, app), append(explained, from)
	}
	result.Applications, result.Explained = apps, explained
}

// selected keeps the parameter sets that a selector matches.
func selected(sets []parameterSet, by *metav1.LabelSelector) ([]parameterSet, error) {
	if by == nil {
		return sets, nil
	}
	selector, err := param.NewSelector(by)
	if err != nil {
		return nil, place.At("selector", err)
	}
	return slices.DeleteFunc(slices.Clone(sets), func(s parameterSet) bool { return !selector.Matches(s.params) }), nil
}
