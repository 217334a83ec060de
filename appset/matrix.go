package appset

import (
	"context"

	"github.com/trueup-dev/trueup/appset/outline"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// matrix multiplies its generators: each is asked once for every parameter set
// of those before it, filled with what these gave.
func (g *generation) matrix(ctx context.Context, n *outline.Node, scope params) ([]parameterSet, error) {
	product, err := g.sets(ctx, n.Children[0], scope)
	if err != nil {
		return nil, err
	}
	for i := range product {
		product[i].origin = Origin{Generator: n.Path, Parts: []Origin{product[i].origin}}
	}
	for _, child := range n.Children[1:] {
		if product, err = g.times(ctx, product, child, scope); err != nil {
			return nil, err
		}
	}
	return product, nil
}

// times multiplies a product with one more generator.
func (g *generation) times(ctx context.Context, product []parameterSet, child *outline.Node, scope params) ([]parameterSet, error) {
	var out []parameterSet
	var all place.Problems
	var factor []parameterSet
	for i, a := range product {
		if child.Templated() || i == 0 {
			var err error
			if factor, err = g.sets(ctx, child, param.Scope(scope, a.params)); err != nil {
				all.Add("", err)
				if ctx.Err() != nil || !child.Templated() || fault.Retryable(err) {
					break // the same peer would fail the same way, and may take its time each time
				}
				continue
			}
		}
		if len(out)+len(factor) > maxSets {
			return nil, place.At(child.Path, fault.New(fault.Invalid, "the matrix gives more than %d parameter sets", maxSets))
		}
		weight := param.Weight(a.params)
		for _, b := range factor {
			if err := g.load.Add(weight + param.Weight(b.params)); err != nil {
				return nil, place.At(child.Path, err)
			}
			combined, err := param.Product(g.text.Go(), a.params, b.params)
			if err != nil {
				all.Add(child.Path, err)
				continue
			}
			parts := append(a.origin.Parts[:len(a.origin.Parts):len(a.origin.Parts)], b.origin)
			out = append(out, parameterSet{combined, Origin{Generator: a.origin.Generator, Parts: parts}})
		}
	}
	return out, all.Err()
}

// partOf says which parameter sets went into one.
func partOf(path string, parts []parameterSet) Origin {
	out := Origin{Generator: path}
	for _, p := range parts {
		out.Parts = append(out.Parts, p.origin)
	}
	return out
}
