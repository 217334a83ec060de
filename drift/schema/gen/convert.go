package main

import (
	"fmt"
	"slices"
	"strings"
)

type swagger struct {
	Definitions map[string]node `json:"definitions"`
}

type node struct {
	Ref         string          `json:"$ref"`
	Type        string          `json:"type"`
	Format      string          `json:"format"`
	Properties  map[string]node `json:"properties"`
	Values      *node           `json:"additionalProperties"`
	Items       *node           `json:"items"`
	ListType    string          `json:"x-kubernetes-list-type"`
	ListMapKeys []string        `json:"x-kubernetes-list-map-keys"`
	MergeKey    string          `json:"x-kubernetes-patch-merge-key"`
	MapType     string          `json:"x-kubernetes-map-type"`
	Kinds       []kind          `json:"x-kubernetes-group-version-kind"`
}

type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// document and wireType are written for package schema's reader.
type document struct {
	Kinds map[string]int `json:"kinds"`
	Types []wireType     `json:"types"`
}

type wireType struct {
	Scalar string         `json:"s,omitempty"`
	Fields map[string]int `json:"f,omitempty"`
	Elem   *int           `json:"e,omitempty"`
	List   string         `json:"l,omitempty"`
	Keys   []string       `json:"k,omitempty"`
	Whole  bool           `json:"w,omitempty"`
	Open   bool           `json:"o,omitempty"`
}

type converter struct {
	definitions map[string]node
	named       map[string]int // definition -> type
	anonymous   map[string]int // printed type -> type
	types       []wireType
}

func convert(api swagger) (document, error) {
	c := &converter{definitions: api.Definitions, named: map[string]int{}, anonymous: map[string]int{}}
	kinds := map[string]int{}
	names := make([]string, 0, len(api.Definitions))
	for name := range api.Definitions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d := api.Definitions[name]
		// A kind that many groups list is an option of a request, and a list
		// is flattened before anything is compared.
		if len(d.Kinds) != 1 || strings.HasSuffix(d.Kinds[0].Kind, "List") || d.Properties["metadata"].Ref == "" {
			continue
		}
		// Status is never compared.
		delete(d.Properties, "status")
		t, err := c.definition(name)
		if err != nil {
			return document{}, err
		}
		k := d.Kinds[0]
		kinds[k.Group+"/"+k.Version+"/"+k.Kind] = t
	}
	return document{Kinds: kinds, Types: c.types}, nil
}

func (c *converter) definition(name string) (int, error) {
	if i, ok := c.named[name]; ok {
		return i, nil
	}
	d, ok := c.definitions[name]
	if !ok {
		return 0, fmt.Errorf("definition %s is missing", name)
	}
	i := len(c.types)
	c.types = append(c.types, wireType{}) // first, for definitions that contain themselves
	c.named[name] = i
	t, err := c.body(name, d)
	if err != nil {
		return 0, err
	}
	c.types[i] = t
	return i, nil
}

func (c *converter) body(name string, d node) (wireType, error) {
	switch name[strings.LastIndex(name, ".")+1:] {
	case "Quantity":
		return wireType{Scalar: "quantity"}, nil
	case "IntOrString":
		return wireType{Scalar: "int-or-string"}, nil
	case "Duration":
		return wireType{Scalar: "duration"}, nil
	case "Time", "MicroTime":
		return wireType{Scalar: "time"}, nil
	case "RawExtension", "JSON":
		return wireType{Open: true}, nil
	}
	return c.structure(d)
}

func (c *converter) structure(d node) (wireType, error) {
	t := wireType{Whole: d.MapType == "atomic"}
	var err error
	switch {
	case len(d.Properties) > 0:
		t.Fields = make(map[string]int, len(d.Properties))
		names := make([]string, 0, len(d.Properties))
		for name := range d.Properties {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if t.Fields[name], err = c.reference(d.Properties[name]); err != nil {
				return t, err
			}
		}
	case d.Type == "array" && d.Items != nil:
		t.List, t.Keys = listOf(d)
		t.Elem, err = c.elem(*d.Items)
	case d.Values != nil:
		t.Elem, err = c.elem(*d.Values)
	case d.Type == "object" || d.Type == "":
		t.Open = true
	default:
		t.Scalar = scalarOf(d)
	}
	return t, err
}

func (c *converter) elem(d node) (*int, error) {
	i, err := c.reference(d)
	return &i, err
}

func (c *converter) reference(d node) (int, error) {
	if d.Ref != "" {
		i, err := c.definition(strings.TrimPrefix(d.Ref, "#/definitions/"))
		// A field may be atomic though its type elsewhere is not.
		if err != nil || d.MapType != "atomic" || c.types[i].Whole {
			return i, err
		}
		whole := c.types[i]
		whole.Whole = true
		return c.share(whole), nil
	}
	t, err := c.structure(d)
	if err != nil {
		return 0, err
	}
	return c.share(t), nil
}

// share stores equal types once.
func (c *converter) share(t wireType) int {
	elem := -1
	if t.Elem != nil {
		elem = *t.Elem
	}
	key := fmt.Sprint(t.Scalar, t.Fields, elem, t.List, t.Keys, t.Whole, t.Open)
	if i, ok := c.anonymous[key]; ok {
		return i
	}
	i := len(c.types)
	c.types = append(c.types, t)
	c.anonymous[key] = i
	return i
}

func listOf(d node) (string, []string) {
	switch {
	case d.ListType == "map" && len(d.ListMapKeys) > 0:
		return "map", d.ListMapKeys
	case d.ListType != "":
		return d.ListType, nil
	case d.MergeKey != "":
		return "map", []string{d.MergeKey}
	default:
		return "atomic", nil
	}
}

func scalarOf(d node) string {
	switch d.Format {
	case "byte":
		return "byte"
	case "date-time":
		return "time"
	case "duration":
		return "duration"
	case "int-or-string":
		return "int-or-string"
	}
	return d.Type
}
