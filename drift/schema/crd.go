package schema

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxDepth bounds how deep a CRD's schema is read; below it, everything is of
// unknown structure. The API server's own limit is lower in practice.
const maxDepth = 64

func parseKind(name string) (schema.GroupVersionKind, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return schema.GroupVersionKind{}, fmt.Errorf("built-in schema: %q is not group/version/Kind", name)
	}
	return schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}, nil
}

// FromCRD reads the types of a CustomResourceDefinition, one for each version
// that has a schema. A version without one is left out: its objects are
// compared by guessing.
func FromCRD(crd *unstructured.Unstructured) (*Set, error) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	if group == "" || kind == "" {
		return nil, fmt.Errorf("read schema of CustomResourceDefinition %s: spec.group or spec.names.kind is missing", crd.GetName())
	}
	spec, _ := crd.Object["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	set := &Set{kinds: map[schema.GroupVersionKind]*Type{}}
	for _, v := range versions {
		version, _ := v.(map[string]any)
		name, _ := version["name"].(string)
		holder, _ := version["schema"].(map[string]any)
		root, _ := holder["openAPIV3Schema"].(map[string]any)
		if name == "" || root == nil {
			continue
		}
		t := fromOpenAPI(root, 0)
		if t.Fields == nil {
			t.Fields = map[string]*Type{}
		}
		t.addObjectMeta()
		set.kinds[schema.GroupVersionKind{Group: group, Version: name, Kind: kind}] = t
	}
	return set, nil
}

// addObjectMeta gives a custom object the fields that every object has: its
// own schema does not list them.
func (t *Type) addObjectMeta() {
	text := &Type{Scalar: String}
	names := &Type{Elem: text}
	reference := &Type{Whole: true, Fields: map[string]*Type{
		"apiVersion": text, "kind": text, "name": text, "uid": text,
		"controller": {Scalar: Boolean}, "blockOwnerDeletion": {Scalar: Boolean},
	}}
	t.Fields["apiVersion"], t.Fields["kind"] = text, text
	t.Fields["metadata"] = &Type{Open: true, Fields: map[string]*Type{
		"name": text, "namespace": text, "generateName": text,
		"labels": names, "annotations": names,
		"finalizers":      {List: ListSet, Elem: text},
		"ownerReferences": {List: ListMap, Keys: []string{"uid"}, Elem: reference},
	}}
}

func fromOpenAPI(node map[string]any, depth int) *Type {
	if node == nil || depth > maxDepth {
		return &Type{}
	}
	t := &Type{Scalar: scalarOf(node), Default: node["default"]}
	t.Open, _ = node["x-kubernetes-preserve-unknown-fields"].(bool)
	t.Whole = node["x-kubernetes-map-type"] == "atomic"
	if properties, ok := node["properties"].(map[string]any); ok {
		t.Fields = make(map[string]*Type, len(properties))
		for name, p := range properties {
			child, _ := p.(map[string]any)
			t.Fields[name] = fromOpenAPI(child, depth+1)
		}
	}
	if values, ok := node["additionalProperties"].(map[string]any); ok && t.Fields == nil {
		t.Elem = fromOpenAPI(values, depth+1)
	}
	if node["type"] == "array" {
		items, _ := node["items"].(map[string]any)
		t.Elem, t.List, t.Keys = fromOpenAPI(items, depth+1), listOf(node), nil
		t.Fields = nil
		if t.List == ListMap {
			t.Keys = keysOf(node)
		}
	}
	if embedded, _ := node["x-kubernetes-embedded-resource"].(bool); embedded {
		if t.Fields == nil {
			t.Fields = map[string]*Type{}
		}
		t.Open, t.Elem = true, nil
		t.addObjectMeta()
	}
	return t
}

func listOf(node map[string]any) List {
	switch node["x-kubernetes-list-type"] {
	case "map":
		if len(keysOf(node)) > 0 {
			return ListMap
		}
	case "set":
		return ListSet
	}
	return ListAtomic
}

func keysOf(node map[string]any) []string {
	list, _ := node["x-kubernetes-list-map-keys"].([]any)
	var keys []string
	for _, k := range list {
		if name, ok := k.(string); ok {
			keys = append(keys, name)
		}
	}
	return keys
}

func scalarOf(node map[string]any) Scalar {
	if either, _ := node["x-kubernetes-int-or-string"].(bool); either {
		return intOrString(node)
	}
	switch node["type"] {
	case "boolean":
		return Boolean
	case "integer":
		return Integer
	case "number":
		return Number
	case "string":
		switch node["format"] {
		case "duration":
			return Duration
		case "byte":
			return Byte
		case "date-time":
			return Time
		case "int-or-string":
			return IntOrString
		case "quantity":
			return Quantity
		}
		return String
	}
	return Any
}

// intOrString tells quantities apart: controller-gen prints both as
// int-or-string, but only a quantity has the quantity's pattern.
func intOrString(node map[string]any) Scalar {
	if pattern, _ := node["pattern"].(string); strings.Contains(pattern, "KMGTPE") {
		return Quantity
	}
	return IntOrString
}
