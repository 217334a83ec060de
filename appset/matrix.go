package appset

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

// matrix multiplies its generators: each is asked once for every parameter set
// of those before it, filled with what these gave.
func (g *generation) matrix(ctx context.Context, n *node, scope params) ([]parameterSet, error) {
	product, err := g.sets(ctx, n.children[0], scope)
	if err != nil {
		return nil, err
	}
	for i := range product {
		product[i].origin = Origin{Generator: n.path, Parts: []Origin{product[i].origin}}
	}
	for _, child := range n.children[1:] {
		if product, err = g.times(ctx, product, child, scope); err != nil {
			return nil, err
		}
	}
	return product, nil
}

// times multiplies a product with one more generator.
func (g *generation) times(ctx context.Context, product []parameterSet, child *node, scope params) ([]parameterSet, error) {
	var out []parameterSet
	var all problems
	var factor []parameterSet
	for i, a := range product {
		if child.templated || i == 0 {
			var err error
			if factor, err = g.sets(ctx, child, g.inScope(scope, a.params)); err != nil {
				all.add("", err)
				if ctx.Err() != nil || !child.templated {
					break
				}
				continue
			}
		}
		if len(out)+len(factor) > maxSets {
			return nil, at(child.path, fault.New(fault.Invalid, "the matrix gives more than %d parameter sets", maxSets))
		}
		for _, b := range factor {
			combined, err := g.combined(a.params, b.params)
			if err != nil {
				all.add(child.path, err)
				continue
			}
			parts := append(a.origin.Parts[:len(a.origin.Parts):len(a.origin.Parts)], b.origin)
			out = append(out, parameterSet{combined, Origin{Generator: a.origin.Generator, Parts: parts}})
		}
	}
	return out, all.err()
}

// combined is what a matrix makes of two parameter sets: what came first
// counts. Without Go templates they may not contradict each other.
func (g *generation) combined(first, second params) (params, error) {
	if g.text.Go() {
		return param.Overlay(second, first), nil
	}
	return param.Combine(first, second)
}

// inScope is what texts of a generator may use: what came first counts.
func (g *generation) inScope(first, second params) params {
	if len(first) == 0 {
		return second
	}
	return param.Overlay(second, first)
}

// merged lays parameter sets over each other, the last on top.
func (g *generation) merged(sets []params) params {
	out := params{}
	for _, p := range sets {
		if g.text.Go() {
			out = param.Overlay(out, p)
			continue
		}
		for key, value := range p {
			out[key] = value
		}
	}
	return out
}

// partOf says which parameter sets went into one.
func partOf(path string, parts []parameterSet) Origin {
	out := Origin{Generator: path}
	for _, p := range parts {
		out.Parts = append(out.Parts, p.origin)
	}
	return out
}

// place is the path of the i-th of a list in the generator that runs.
func place(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
