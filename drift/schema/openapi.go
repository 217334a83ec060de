package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// FromOpenAPI reads the types of the kinds that one group and version serves,
// from the OpenAPI v3 document in which an API server describes it. Nothing of
// the document is kept. One that is no such document is an error; what it does
// not say is of unknown structure.
func FromOpenAPI(document []byte) (*Set, error) {
	var doc struct {
		Components struct {
			Schemas map[string]*openNode `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("read an OpenAPI document of %d bytes: %w", len(document), err)
	}
	r := openReader{schemas: doc.Components.Schemas, named: map[string]*Type{}, shared: map[string]*Type{}}
	set := &Set{kinds: map[schema.GroupVersionKind]*Type{}, native: map[schema.GroupKind]bool{}}
	for _, name := range slices.Sorted(maps.Keys(r.schemas)) {
		node := r.schemas[name]
		// A kind that many groups list is an option of a request, and a list is
		// flattened before anything is compared.
		if node == nil || len(node.Kinds) != 1 || node.Kinds[0].Kind == "" || !isMetadata(node.Properties["metadata"]) {
			continue
		}
		gvk := schema.GroupVersionKind(node.Kinds[0])
		set.kinds[gvk] = r.definition(name)
		if node.isStruct() && ofKubernetes(gvk.Group) {
			set.native[gvk.GroupKind()] = true
		}
	}
	return set, nil
}

// openNode is what is read of an OpenAPI schema.
type openNode struct {
	Ref         string               `json:"$ref"`
	AllOf       []*openNode          `json:"allOf"`
	Type        string               `json:"type"`
	Format      string               `json:"format"`
	Pattern     string               `json:"pattern"`
	Default     any                  `json:"default"`
	Properties  map[string]*openNode `json:"properties"`
	Values      openValues           `json:"additionalProperties"`
	Items       *openNode            `json:"items"`
	ListType    string               `json:"x-kubernetes-list-type"`
	ListMapKeys []string             `json:"x-kubernetes-list-map-keys"`
	MergeKey    string               `json:"x-kubernetes-patch-merge-key"`
	MapType     string               `json:"x-kubernetes-map-type"`
	Preserve    bool                 `json:"x-kubernetes-preserve-unknown-fields"`
	Embedded    bool                 `json:"x-kubernetes-embedded-resource"`
	IntOrString bool                 `json:"x-kubernetes-int-or-string"`
	Kinds       []openKind           `json:"x-kubernetes-group-version-kind"`
}

type openKind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// openValues is a schema, or true or false.
type openValues struct{ node *openNode }

// UnmarshalJSON implements json.Unmarshaler.
func (v *openValues) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	v.node = &openNode{}
	return json.Unmarshal(data, v.node)
}

const refPrefix = "#/components/schemas/"

// refersTo is the definition that a node stands for; empty when it is its own.
func (n *openNode) refersTo() string {
	ref := n.Ref
	if ref == "" && len(n.AllOf) == 1 && n.AllOf[0] != nil {
		ref = n.AllOf[0].Ref
	}
	name, _ := strings.CutPrefix(ref, refPrefix)
	return name
}

func isMetadata(n *openNode) bool {
	return n != nil && strings.HasSuffix(n.refersTo(), ".ObjectMeta")
}

// isStruct reports a kind that a server holds as a Go struct: only these refer
// to definitions beside that of metadata, and lose absent and zero fields'
// difference. A custom resource's own schema is written out.
func (n *openNode) isStruct() bool {
	for name, p := range n.Properties {
		if p != nil && name != "metadata" && p.refersTo() != "" {
			return true
		}
	}
	return false
}

// ofKubernetes reports groups whose servers fill in what Kubernetes fills in.
func ofKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

// openReader makes types of definitions; equal ones are made once.
type openReader struct {
	schemas map[string]*openNode
	named   map[string]*Type
	shared  map[string]*Type // by what they are
	depth   int              // definitions under way
}

// maxChain bounds how many definitions are read for the sake of one; what is
// beyond is of unknown structure. Kubernetes has chains of about twenty.
const maxChain = 200

func (r *openReader) definition(name string) *Type {
	if t, ok := r.named[name]; ok {
		return t
	}
	t := &Type{}
	node := r.schemas[name]
	if node == nil || r.depth > maxChain {
		return t
	}
	r.depth++
	defer func() { r.depth-- }()
	r.named[name] = t // first, for definitions that contain themselves
	if special, ok := wellKnown(name); ok {
		*t = special
		return t
	}
	if len(node.Kinds) == 1 && isMetadata(node.Properties["metadata"]) {
		delete(node.Properties, "status") // it is never compared
	}
	*t = r.structure(node, 0)
	return t
}

// wellKnown are definitions that say less than their name: the server prints
// quantities as strings.
func wellKnown(name string) (Type, bool) {
	for suffix, t := range map[string]Type{
		".pkg.api.resource.Quantity": {Scalar: Quantity}, ".pkg.util.intstr.IntOrString": {Scalar: IntOrString},
		".meta.v1.Duration": {Scalar: Duration}, ".meta.v1.Time": {Scalar: Time}, ".meta.v1.MicroTime": {Scalar: Time},
		".pkg.runtime.RawExtension": {Open: true}, ".apiextensions.v1.JSON": {Open: true},
	} {
		if strings.HasSuffix(name, suffix) {
			return t, true
		}
	}
	return Type{}, false
}

// reference is the type of a field, of an item or of a value.
func (r *openReader) reference(n *openNode, depth int) *Type {
	if n == nil || depth > maxDepth {
		return r.share(Type{})
	}
	name := n.refersTo()
	if name == "" {
		return r.share(r.structure(n, depth))
	}
	t := r.definition(name)
	// A field may be atomic, or have a default, though its type elsewhere is
	// not and has none. {} is what every struct is printed with.
	whole, value := n.MapType == "atomic" && !t.Whole, n.Default
	if m, ok := value.(map[string]any); ok && len(m) == 0 {
		value = nil
	}
	if !whole && value == nil {
		return t
	}
	if !t.Known() { // it may be under way
		return t
	}
	own := *t
	own.Whole = own.Whole || whole
	if value != nil {
		own.Default = integers(value)
	}
	return r.share(own)
}

func (r *openReader) structure(n *openNode, depth int) Type {
	t := Type{Scalar: n.scalar(), Default: integers(n.Default), Open: n.Preserve, Whole: n.MapType == "atomic"}
	switch {
	case n.Type == "array":
		t.List, t.Keys = n.list()
		t.Elem = r.reference(n.Items, depth+1)
		return t
	case len(n.Properties) > 0:
		t.Fields = make(map[string]*Type, len(n.Properties))
		for name, p := range n.Properties {
			t.Fields[name] = r.reference(p, depth+1)
		}
	case n.Values.node != nil:
		t.Elem = r.reference(n.Values.node, depth+1)
	case n.Type == "object" || n.Type == "" && t.Scalar == Any:
		t.Open = true
	}
	if n.Embedded {
		if t.Fields == nil {
			t.Fields = map[string]*Type{}
		}
		t.Open, t.Elem = true, nil
		t.addObjectMeta()
	}
	return t
}

func (n *openNode) list() (List, []string) {
	switch {
	case n.ListType == string(ListMap) && len(n.ListMapKeys) > 0:
		return ListMap, n.ListMapKeys
	case n.ListType == string(ListSet):
		return ListSet, nil
	case n.ListType == "" && n.MergeKey != "":
		return ListMap, []string{n.MergeKey}
	}
	return ListAtomic, nil
}

func (n *openNode) scalar() Scalar {
	return scalarOf(map[string]any{
		"type": n.Type, "format": n.Format, "pattern": n.Pattern, "x-kubernetes-int-or-string": n.IntOrString || n.Format == "int-or-string",
	})
}

// integers turns the numbers of a default into those that objects have.
func integers(v any) any {
	switch v := v.(type) {
	case float64:
		if n := int64(v); float64(n) == v {
			return n
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = integers(v[name])
		}
	}
	return v
}

// share keeps equal types once. Children are shared already, so that their
// addresses tell them apart.
func (r *openReader) share(t Type) *Type {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q %t %t %p", t.Scalar, t.List, t.Keys, t.Whole, t.Open, t.Elem)
	if t.Default != nil {
		text, err := json.Marshal(t.Default)
		if err != nil {
			return &t
		}
		b.Write(text)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		fmt.Fprintf(&b, " %q %p", name, t.Fields[name])
	}
	if same, ok := r.shared[b.String()]; ok {
		return same
	}
	r.shared[b.String()] = &t
	return &t
}
