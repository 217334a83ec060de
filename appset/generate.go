package appset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// params are the parameters of one application to be.
type params = map[string]any

// Generate expands a set. An error, which names everything that is wrong and
// its place in the document, means that the set says nothing about which
// applications there should be: nothing may be changed. Without one the result
// is complete, except for what is rejected.
func Generate(ctx context.Context, set *v1alpha1.ApplicationSet, world World) (Result, error) {
	result, err := generate(ctx, set, world)
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
	running *node
	scope   params
	// verified is set by a generator whose answer is complete even if empty.
	verified bool

	answers  []Answer
	warnings []string
}

func generate(ctx context.Context, set *v1alpha1.ApplicationSet, world World) (Result, error) {
	g := &generation{set: set, world: world}
	var all problems
	var err error
	g.text, err = text.New(set.Spec.GoTemplate, set.Spec.GoTemplateOptions)
	all.add("goTemplateOptions", err)
	nodes, err := g.document()
	all.add("", err)
	if err := all.err(); err != nil {
		return Result{}, err
	}
	var result Result
	for _, n := range nodes {
		sets, err := g.sets(ctx, n, nil)
		if err != nil {
			all.add("", err)
			continue
		}
		all.add(n.path, g.fill(n, sets, &result))
	}
	if err := all.err(); err != nil {
		return Result{}, err
	}
	result.Answers, result.Warnings = g.answers, g.warnings
	g.arrange(&result)
	return result, nil
}

// fill makes applications of the parameter sets of one generator.
func (g *generation) fill(n *node, sets []parameterSet, result *Result) error {
	base, err := overridden(g.set.Spec.Template, n.template)
	if err != nil {
		return err
	}
	var all problems
	for i, set := range sets {
		app, err := g.application(base, set.params)
		if err != nil {
			all.add(fmt.Sprintf("parameter set %d", i), err)
			continue
		}
		if problems := validation.IsDNS1123Subdomain(app.Name); app.Name != "" && len(problems) > 0 {
			all.add(fmt.Sprintf("parameter set %d", i), fault.New(fault.Invalid, "the name %q: %s", app.Name, problems[0]))
			continue
		}
		result.Applications = append(result.Applications, app)
		result.Explained = append(result.Explained, Explanation{Application: app.Name, Origin: set.origin})
	}
	return all.err()
}

// arrange sorts the applications by name, and rejects those that cannot be
// told from others by it.
func (g *generation) arrange(result *Result) {
	order := make([]int, len(result.Applications))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return strings.Compare(result.Applications[a].Name, result.Applications[b].Name)
	})
	var apps []v1alpha1.Application
	var explained []Explanation
	for _, i := range order {
		app, from := result.Applications[i], result.Explained[i]
		switch {
		case app.Name == "":
			result.Rejected = append(result.Rejected, Rejection{Generator: from.Origin.Generator,
				Err: fault.New(fault.Invalid, "an application has no name")})
			continue
		case len(apps) > 0 && apps[len(apps)-1].Name == app.Name:
			result.Rejected = append(result.Rejected, Rejection{Name: app.Name, Generator: from.Origin.Generator,
				Err: fault.New(fault.Conflict, "%s gave the name %s already: the first application is kept",
					explained[len(apps)-1].Origin.Generator, app.Name)})
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
		return nil, at("selector", err)
	}
	return slices.DeleteFunc(slices.Clone(sets), func(s parameterSet) bool { return !selector.Matches(s.params) }), nil
}
