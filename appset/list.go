package appset

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/internal/fault"
)

// list gives one parameter set per element, elements before elementsYaml.
// Without Go templates an element has texts only, and a map of texts under
// values.
func (g *generation) list(_ context.Context, gen *v1alpha1.ListGenerator) ([]params, error) {
	var out []params
	var all problems
	for i, raw := range gen.Elements {
		value, err := param.JSON(raw.Raw)
		element, ok := value.(params)
		switch {
		case err != nil:
		case !ok && value != nil:
			err = fault.New(fault.Invalid, "an element must be a map")
		case !g.text.Go():
			element, err = flatElement(element)
		}
		all.add(place("elements", i), err)
		out = append(out, element)
	}
	if gen.ElementsYaml != "" {
		more, err := g.elementsYAML(gen.ElementsYaml)
		all.add("elementsYaml", err)
		out = append(out, more...)
	}
	return out, all.err()
}

// flatElement gives values their dotted names.
func flatElement(element params) (params, error) {
	out := params{}
	var all problems
	texts := func(at, prefix string, from params) {
		for _, key := range slices.Sorted(maps.Keys(from)) {
			value := from[key]
			if _, ok := value.(string); !ok {
				all.add(join(at, key), fault.New(fault.Invalid, "it is no text: put it in quotes, or set goTemplate: true"))
				continue
			}
			out[prefix+key] = value
		}
	}
	plain := params{}
	for key, value := range element {
		if key != "values" {
			plain[key] = value
			continue
		}
		values, ok := value.(params)
		if !ok {
			all.add("values", fault.New(fault.Invalid, "it must be a map of texts"))
		}
		texts("values", "values.", values)
	}
	texts("", "", plain)
	return out, all.err()
}

func (g *generation) elementsYAML(data string) ([]params, error) {
	value, _, err := g.yaml().YAML([]byte(data))
	if err != nil || value == nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "it must be a list of maps")
	}
	var out []params
	var all problems
	for i, item := range items {
		element, ok := item.(params)
		if !ok && item != nil {
			all.add(fmt.Sprintf("[%d]", i), fault.New(fault.Invalid, "an element must be a map"))
		}
		out = append(out, element)
	}
	return out, all.err()
}

// yaml is the YAML that the set's generators read.
func (g *generation) yaml() param.Version {
	if param.Version(g.set.Spec.YAMLVersion) == param.V12 {
		return param.V12
	}
	return param.V11
}
