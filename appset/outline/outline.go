package outline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	kjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// maxDepth bounds matrix in merge in matrix.
const maxDepth = 16

// Node is one generator of the document, decoded at whatever depth it is.
type Node struct {
	// Entry is the place of the list entry that holds it; Path that of the
	// generator, as generators[0].matrix.generators[1].git.
	Entry, Path string
	// Kind is its name in the document, as git.
	Kind string
	// Generator holds it and its selector.
	Generator v1alpha1.ApplicationSetGenerator
	// Template is the generator's own; zero where it has none, or where it has
	// no effect.
	Template v1alpha1.ApplicationSetTemplate
	// Children are those of matrix and merge.
	Children []*Node
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

// Read decodes a set's generators. What is wrong with their form is told for
// all of them; warnings tell what has no effect.
func Read(set *v1alpha1.ApplicationSet) (nodes []*Node, warnings []string, err error) {
	var r reading
	for _, field := range set.Unknown {
		r.unknown(strings.TrimPrefix(field, "spec."))
	}
	for i := range set.Spec.Generators {
		nodes = append(nodes, r.node(&set.Spec.Generators[i], fmt.Sprintf("generators[%d]", i), 0))
	}
	return nodes, r.warnings, r.all.Err()
}

type reading struct {
	all      place.Problems
	warnings []string
	// idle are the fields that nobody knows.
	idle []string
}

// unknown takes in a field that has no effect, as in Argo CD. That it is told
// is all that there is to do: a set may carry what a later version knows.
func (r *reading) unknown(field string) {
	r.idle = append(r.idle, field)
	r.warnings = append(r.warnings, field+": unknown field, without effect")
}

// count says how many generators an entry must not hold.
func (r *reading) count(entry string, given int) error {
	var idle []string
	for _, field := range r.idle {
		if name, ok := strings.CutPrefix(field, entry+"."); ok && !strings.ContainsAny(name, ".[") {
			idle = append(idle, name)
		}
	}
	suffix := ""
	if len(idle) > 0 {
		suffix = "; no generator is called " + strings.Join(idle, " or ")
	}
	return fault.New(fault.Invalid, "it holds %d generators that are known, and must hold exactly one%s", given, suffix)
}

func (r *reading) node(gen *v1alpha1.ApplicationSetGenerator, entry string, depth int) *Node {
	n := &Node{Entry: entry, Path: entry, Generator: *gen}
	all := &r.all
	given := 0
	for _, k := range kinds(gen) {
		if !k.given {
			continue
		}
		given++
		n.Kind, n.Path, n.Template = k.name, entry+"."+k.name, k.template()
	}
	raw, err := json.Marshal(gen)
	all.Add(entry, err)
	n.templated, n.nulls = bytes.Contains(raw, []byte("{{")), bytes.Contains(raw, []byte("null"))
	if given != 1 {
		n.Kind = ""
		all.Add(entry, r.count(entry, given))
		return n
	}
	if depth > 0 && !reflect.ValueOf(n.Template).IsZero() {
		r.warnings = append(r.warnings, n.Path+": its template has no effect inside of matrix and merge")
		n.Template = v1alpha1.ApplicationSetTemplate{}
	}
	var nested []v1alpha1.ApplicationSetNestedGenerator
	switch n.Kind {
	case "matrix":
		nested = gen.Matrix.Generators
	case "merge":
		nested = gen.Merge.Generators
		if len(gen.Merge.MergeKeys) == 0 {
			all.Add(n.Path+".mergeKeys", fault.New(fault.Invalid, "at least one key is needed"))
		}
	default:
		return n
	}
	switch {
	case len(nested) < 2:
		all.Add(n.Path+".generators", fault.New(fault.Invalid, "at least two generators are needed, and there are %d", len(nested)))
	case depth >= maxDepth:
		all.Add(n.Path, fault.New(fault.Invalid, "generators are nested deeper than %d", maxDepth))
		return n
	}
	for i := range nested {
		at := fmt.Sprintf("%s.generators[%d]", n.Path, i)
		n.Children = append(n.Children, r.node(r.unfolded(&nested[i], at), at, depth+1))
	}
	return n
}

// unfolded decodes what a nested entry holds as raw JSON.
func (r *reading) unfolded(nested *v1alpha1.ApplicationSetNestedGenerator, at string) *v1alpha1.ApplicationSetGenerator {
	out := &v1alpha1.ApplicationSetGenerator{
		List: nested.List, Clusters: nested.Clusters, Git: nested.Git, SCMProvider: nested.SCMProvider,
		ClusterDecisionResource: nested.ClusterDecisionResource, PullRequest: nested.PullRequest, Plugin: nested.Plugin,
		Selector: nested.Selector,
	}
	if nested.Matrix != nil {
		out.Matrix = &v1alpha1.MatrixGenerator{}
		r.decode(at+".matrix", nested.Matrix, out.Matrix)
	}
	if nested.Merge != nil {
		out.Merge = &v1alpha1.MergeGenerator{}
		r.decode(at+".merge", nested.Merge, out.Merge)
	}
	return out
}

func (r *reading) decode(at string, raw *apiextensionsv1.JSON, into any) {
	strict, err := kjson.UnmarshalStrict(raw.Raw, into)
	r.all.Add(at, fault.Wrap(fault.Invalid, err))
	for _, err := range strict {
		var field kjson.FieldError
		if errors.As(err, &field) {
			r.unknown(at + "." + field.FieldPath())
		}
	}
}

// Filled fills the texts of a generator with parameters, except for its
// values, which also see what it gives itself, and for the generators in it,
// which have their turn later.
func (n *Node) Filled(language *text.Language, scope map[string]any) (v1alpha1.ApplicationSetGenerator, error) {
	if len(scope) == 0 || !n.templated && !n.nulls {
		return n.Generator, nil
	}
	raw, err := json.Marshal(n.Generator)
	if err != nil {
		return n.Generator, place.At(n.Path, err)
	}
	var tree map[string]map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return n.Generator, place.At(n.Path, err)
	}
	aside := map[string]any{}
	for _, key := range []string{"values", "generators", "template"} {
		if value, ok := tree[n.Kind][key]; ok {
			aside[key] = value
			delete(tree[n.Kind], key)
		}
	}
	var all place.Problems
	for key, under := range tree {
		filled, err := language.Tree(under, scope, nil)
		all.Add(place.Join(n.Entry, key), err)
		if err == nil {
			tree[key] = filled.(map[string]any)
		}
	}
	if values, ok := aside["values"].(map[string]any); ok && n.Kind == "clusterDecisionResource" {
		// These see nothing that the generator gives itself.
		for key, value := range values {
			if template, ok := value.(string); ok {
				values[key], err = language.Strictly(template, scope)
				all.Add(place.Join(n.Path, "values."+key), err)
			}
		}
	}
	if err := all.Err(); err != nil {
		return n.Generator, err
	}
	maps.Copy(tree[n.Kind], aside)
	if raw, err = json.Marshal(tree); err != nil {
		return n.Generator, place.At(n.Path, err)
	}
	var out v1alpha1.ApplicationSetGenerator
	return out, place.At(n.Path, fault.Wrap(fault.Invalid, json.Unmarshal(raw, &out)))
}

// Templated tells whether parameters may change what the generator asks.
func (n *Node) Templated() bool { return n.templated }

// Question is a digest of what a filled generator asks.
func Question(gen *v1alpha1.ApplicationSetGenerator) (string, error) {
	raw, err := json.Marshal(gen)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), err
}
