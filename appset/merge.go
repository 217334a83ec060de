package appset

import (
	"context"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
)

// merge lays later generators over the first where the keys match.
func (g *generation) merge(ctx context.Context, n *node, gen *v1alpha1.MergeGenerator, scope params) ([]parameterSet, error) {
	var all problems
	kind, err := param.ParseKind(gen.Join)
	all.add(join(n.path, "join"), err)
	lists := make([][]parameterSet, len(n.children))
	names := make([][]map[string]any, len(n.children))
	for i, child := range n.children {
		lists[i], err = g.sets(ctx, child, scope)
		all.add("", err)
		for _, set := range lists[i] {
			names[i] = append(names[i], set.params)
		}
	}
	if err := all.err(); err != nil {
		return nil, err
	}
	rows, err := param.Rule{Kind: kind, Keys: gen.MergeKeys, Nested: g.text.Go()}.Join(names)
	if err != nil {
		return nil, at(n.path, err)
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
		out = append(out, parameterSet{g.merged(sets), partOf(n.path, parts)})
	}
	return out, nil
}
