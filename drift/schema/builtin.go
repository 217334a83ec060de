package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

//go:generate go run ./gen -module k8s.io/kubernetes@v1.37.2 -out builtin.json.gz

//go:embed builtin.json.gz
var builtin []byte

// document is the stored form: types refer to each other by position, so that
// equal ones are stored once.
type document struct {
	Kinds map[string]int `json:"kinds"` // group/version/Kind; "/v1/Pod" for core
	Types []wireType     `json:"types"`
}

type wireType struct {
	Scalar Scalar         `json:"s,omitempty"`
	Fields map[string]int `json:"f,omitempty"`
	Elem   *int           `json:"e,omitempty"`
	List   List           `json:"l,omitempty"`
	Keys   []string       `json:"k,omitempty"`
	Whole  bool           `json:"w,omitempty"`
	Open   bool           `json:"o,omitempty"`
}

// Builtin returns the kinds that Kubernetes itself defines. It decodes them
// anew each time: call it once and keep the set.
func Builtin() (*Set, error) {
	r, err := gzip.NewReader(bytes.NewReader(builtin))
	if err != nil {
		return nil, fmt.Errorf("unpack the built-in schema: %w", err)
	}
	var doc document
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("decode the built-in schema: %w", err)
	}
	return doc.link()
}

func (d document) link() (*Set, error) {
	types := make([]Type, len(d.Types))
	at := func(i int) (*Type, error) {
		if i < 0 || i >= len(types) {
			return nil, fmt.Errorf("built-in schema: no type %d", i)
		}
		return &types[i], nil
	}
	for i, w := range d.Types {
		t := &types[i]
		*t = Type{Scalar: w.Scalar, List: w.List, Keys: w.Keys, Whole: w.Whole, Open: w.Open}
		if w.Fields != nil {
			t.Fields = make(map[string]*Type, len(w.Fields))
		}
		var err error
		for name, ref := range w.Fields {
			if t.Fields[name], err = at(ref); err != nil {
				return nil, err
			}
		}
		if w.Elem != nil {
			if t.Elem, err = at(*w.Elem); err != nil {
				return nil, err
			}
		}
	}
	set := &Set{kinds: make(map[schema.GroupVersionKind]*Type, len(d.Kinds)), native: map[schema.GroupKind]bool{}}
	for name, ref := range d.Kinds {
		gvk, err := parseKind(name)
		if err != nil {
			return nil, err
		}
		if set.kinds[gvk], err = at(ref); err != nil {
			return nil, err
		}
		set.native[gvk.GroupKind()] = true
	}
	return set, nil
}
