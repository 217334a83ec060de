package appset

import (
	"context"
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/content"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/appset/text"
	"github.com/trueup-dev/trueup/internal/fault"
)

// list gives one parameter set per element, elements before elementsYaml.
// Without Go templates an element has texts only, and a map of texts under
// values.
func (g *generation) list(_ context.Context, gen *v1alpha1.ListGenerator) ([]params, error) {
	var out []params
	var all place.Problems
	for i, raw := range gen.Elements {
		value, err := param.Free(raw.Raw)
		element, ok := value.(params)
		switch {
		case err != nil:
		case !ok:
			err = fault.New(fault.Invalid, "an element must be a map")
		case !g.text.Go():
			element, err = content.Element(element)
		}
		all.Add(text.Index("elements", i), err)
		out = append(out, element)
	}
	if gen.ElementsYaml != "" {
		more, err := g.elementsYAML(gen.ElementsYaml)
		all.Add("elementsYaml", err)
		out = append(out, more...)
	}
	return out, all.Err()
}

func (g *generation) elementsYAML(data string) ([]params, error) {
	value, _, err := param.VersionOf(g.set.Spec.YAMLVersion).YAML([]byte(data))
	if err != nil || value == nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "it must be a list of maps")
	}
	var out []params
	var all place.Problems
	for i, item := range items {
		element, ok := item.(params)
		if !ok && item != nil {
			all.Add(fmt.Sprintf("[%d]", i), fault.New(fault.Invalid, "an element must be a map"))
		}
		out = append(out, element)
	}
	return out, all.Err()
}
