package appset

import (
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/outline"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
)

// merge lays later generators over the first where the keys match.
func (g *generation) merge(ctx context.Context, n *outline.Node, gen *v1alpha1.MergeGenerator, scope params) ([]parameterSet, error) {
	var all place.Problems
	kind, err := param.ParseKind(gen.Join)
	all.Add(place.Join(n.Path, "join"), err)
	lists := make([][]parameterSet, len(n.Children))
	names := make([][]map[string]any, len(n.Children))
	for i, child := range n.Children {
		lists[i], err = g.sets(ctx, child, scope)
		all.Add("", err)
		for _, set := range lists[i] {
			names[i] = append(names[i], set.params)
		}
	}
	if err := all.Err(); err != nil {
		return nil, err
	}
	rows, err := param.Rule{Kind: kind, Keys: gen.MergeKeys, Nested: g.text.Go()}.Join(names)
	if err != nil {
		return nil, place.At(n.Path, err)
	}
	out := make([]parameterSet, 0, len(rows))
	for _, row := range rows {
		var parts []parameterSet
		var sets []params
		for i, j := range row {
			if j >= 0 {
				parts, sets = append(parts, lists[i][j]), append(sets, names[i][j])
			}
		}
		out = append(out, parameterSet{param.Stack(g.text.Go(), sets), partOf(n.Path, parts)})
	}
	return out, nil
}
