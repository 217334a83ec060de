// Package narrow tells how the schema of a custom resource is narrower than it
// was: what objects may hold, and could not keep.
//
// It does not know which resource it is of, nor how grave that is.
package narrow

import (
	"fmt"
	"slices"
)

// Found are the places in which a schema is narrower, in order.
type Found struct {
	// Gone are fields whose values are dropped, Retyped those of another type
	// that not every value has, and Closed those in which what is not listed was
	// kept and is dropped.
	Gone, Retyped, Closed []string
}

// Compare compares two OpenAPI schemas. What a resource has at its top is the
// same in all.
func Compare(was, now map[string]any) Found {
	var f Found
	f.compare("", was, now)
	slices.Sort(f.Gone)
	slices.Sort(f.Retyped)
	slices.Sort(f.Closed)
	return f
}

func (f *Found) compare(at string, was, now map[string]any) {
	if at == ".apiVersion" || at == ".kind" || at == ".metadata" {
		return
	}
	if from, to := typeOf(was), typeOf(now); !takes(to, from) {
		f.Retyped = append(f.Retyped, fmt.Sprintf("%s %s -> %s", path(at), from, to))
		return
	}
	if !open(now) {
		if open(was) {
			f.Closed = append(f.Closed, path(at))
		}
		for field := range child(was, "properties") {
			if child(child(now, "properties"), field) == nil {
				f.Gone = append(f.Gone, path(at+"."+field))
			}
		}
	}
	for field := range child(was, "properties") {
		f.both(at+"."+field, child(child(was, "properties"), field), child(child(now, "properties"), field))
	}
	f.both(at+"[]", child(was, "items"), child(now, "items"))
	f.both(at+".*", child(was, "additionalProperties"), child(now, "additionalProperties"))
}

// both compares what there is on both sides.
func (f *Found) both(at string, was, now map[string]any) {
	if was != nil && now != nil {
		f.compare(at, was, now)
	}
}

func child(of map[string]any, name string) map[string]any {
	m, _ := of[name].(map[string]any)
	return m
}

// open reports a schema that keeps fields which it does not list.
func open(schema map[string]any) bool {
	return schema["x-kubernetes-preserve-unknown-fields"] == true ||
		schema["additionalProperties"] != nil && schema["additionalProperties"] != false
}

const anything, intOrString = "anything", "int or string"

func typeOf(schema map[string]any) string {
	if schema["x-kubernetes-int-or-string"] == true {
		return intOrString
	}
	if t, ok := schema["type"].(string); ok && t != "" {
		return t
	}
	return anything
}

// takes reports a type that every value of another one has.
func takes(to, from string) bool {
	switch to {
	case from, anything:
		return true
	case intOrString:
		return from == "integer" || from == "string"
	case "number":
		return from == "integer"
	}
	return false
}

func path(at string) string {
	if at == "" {
		return "the whole"
	}
	return at[1:]
}
