package appset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	kjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// maxDepth bounds matrix in merge in matrix.
const maxDepth = 16

// node is one generator of the document, decoded at whatever depth it is.
type node struct {
	// entry is the place of the list entry that holds it; path that of the
	// generator, as generators[0].matrix.generators[1].git.
	entry, path string
	kind        string
	// gen holds the generator and its selector.
	gen v1alpha1.ApplicationSetGenerator
	// template is the generator's own; zero where it has none.
	template v1alpha1.ApplicationSetTemplate
	// children are those of matrix and merge.
	children []*node
	// templated says that parameters may change what it asks, nulls that
	// filling it leaves something out.
	templated, nulls bool
}

// kinds lists the generators that an entry may hold.
func kinds(gen *v1alpha1.ApplicationSetGenerator) []struct {
	name     string
	given    bool
	template func() v1alpha1.ApplicationSetTemplate
} {
	type template = v1alpha1.ApplicationSetTemplate
	return []struct {
		name     string
		given    bool
		template func() template
	}{
		{"list", gen.List != nil, func() template { return gen.List.Template }},
		{"clusters", gen.Clusters != nil, func() template { return gen.Clusters.Template }},
		{"git", gen.Git != nil, func() template { return gen.Git.Template }},
		{"matrix", gen.Matrix != nil, func() template { return gen.Matrix.Template }},
		{"merge", gen.Merge != nil, func() template { return gen.Merge.Template }},
		{"scmProvider", gen.SCMProvider != nil, func() template { return gen.SCMProvider.Template }},
		{"pullRequest", gen.PullRequest != nil, func() template { return gen.PullRequest.Template }},
		{"clusterDecisionResource", gen.ClusterDecisionResource != nil, func() template { return gen.ClusterDecisionResource.Template }},
		{"plugin", gen.Plugin != nil, func() template { return gen.Plugin.Template }},
	}
}

// document decodes a set's generators. What is wrong with their form is told
// for all of them, before anybody is asked anything.
func (g *generation) document() ([]*node, error) {
	var out []*node
	var all problems
	for i := range g.set.Spec.Generators {
		out = append(out, g.node(&g.set.Spec.Generators[i], fmt.Sprintf("generators[%d]", i), 0, &all))
	}
	return out, all.err()
}

func (g *generation) node(gen *v1alpha1.ApplicationSetGenerator, entry string, depth int, all *problems) *node {
	n := &node{entry: entry, path: entry, gen: *gen}
	given := 0
	for _, k := range kinds(gen) {
		if !k.given {
			continue
		}
		given++
		n.kind, n.path, n.template = k.name, entry+"."+k.name, k.template()
	}
	raw, err := json.Marshal(gen)
	all.add(entry, err)
	n.templated, n.nulls = bytes.Contains(raw, []byte("{{")), bytes.Contains(raw, []byte("null"))
	if given != 1 {
		n.kind = ""
		all.add(entry, fault.New(fault.Invalid, "it holds %d generators that are known, and must hold exactly one", given))
		return n
	}
	if depth > 0 && !reflect.ValueOf(n.template).IsZero() {
		g.warn(n.path, "its template has no effect inside of matrix and merge")
		n.template = v1alpha1.ApplicationSetTemplate{}
	}
	var nested []v1alpha1.ApplicationSetNestedGenerator
	switch n.kind {
	case "matrix":
		nested = gen.Matrix.Generators
	case "merge":
		nested = gen.Merge.Generators
		if len(gen.Merge.MergeKeys) == 0 {
			all.add(n.path+".mergeKeys", fault.New(fault.Invalid, "at least one key is needed"))
		}
	default:
		return n
	}
	switch {
	case len(nested) < 2:
		all.add(n.path+".generators", fault.New(fault.Invalid, "at least two generators are needed, and there are %d", len(nested)))
	case depth >= maxDepth:
		all.add(n.path, fault.New(fault.Invalid, "generators are nested deeper than %d", maxDepth))
		return n
	}
	for i := range nested {
		at := fmt.Sprintf("%s.generators[%d]", n.path, i)
		n.children = append(n.children, g.node(unfolded(&nested[i], at, all), at, depth+1, all))
	}
	return n
}

// unfolded decodes what a nested entry holds as raw JSON.
func unfolded(nested *v1alpha1.ApplicationSetNestedGenerator, at string, all *problems) *v1alpha1.ApplicationSetGenerator {
	out := &v1alpha1.ApplicationSetGenerator{
		List: nested.List, Clusters: nested.Clusters, Git: nested.Git, SCMProvider: nested.SCMProvider,
		ClusterDecisionResource: nested.ClusterDecisionResource, PullRequest: nested.PullRequest, Plugin: nested.Plugin,
		Selector: nested.Selector,
	}
	if nested.Matrix != nil {
		out.Matrix = &v1alpha1.MatrixGenerator{}
		all.add(at+".matrix", strictly(nested.Matrix, out.Matrix))
	}
	if nested.Merge != nil {
		out.Merge = &v1alpha1.MergeGenerator{}
		all.add(at+".merge", strictly(nested.Merge, out.Merge))
	}
	return out
}

func strictly(raw *apiextensionsv1.JSON, into any) error {
	var all problems
	unknown, err := kjson.UnmarshalStrict(raw.Raw, into)
	all.add("", fault.Wrap(fault.Invalid, err))
	for _, err := range unknown {
		all.add("", fault.Wrap(fault.Invalid, err))
	}
	return all.err()
}
