package appset

import (
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// list gives one parameter set per element. Without Go templates elements are
// flat, but for a map of values.
func (g *generation) list(gen *v1alpha1.ListGenerator) ([]params, error) {
	var elements []params
	for i, raw := range gen.Elements {
		var element params
		if err := json.Unmarshal(raw.Raw, &element); err != nil || element == nil {
			return nil, fault.New(fault.Invalid, "list.elements[%d] is not a map", i)
		}
		elements = append(elements, element)
	}
	if gen.ElementsYaml != "" {
		var more []params
		if err := yaml.Unmarshal([]byte(gen.ElementsYaml), &more); err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("list.elementsYaml is not a list of maps: %w", err))
		}
		elements = append(elements, more...)
	}
	if g.set.Spec.GoTemplate {
		return elements, nil
	}
	for i, element := range elements {
		flattened := params{}
		for key, value := range element {
			switch v := value.(type) {
			case string:
				flattened[key] = v
			case map[string]any:
				if key != "values" {
					return nil, fault.New(fault.Invalid, "list.elements[%d].%s is a map: this needs goTemplate: true", i, key)
				}
				for name, inner := range v {
					text, ok := inner.(string)
					if !ok {
						return nil, fault.New(fault.Invalid, "list.elements[%d].values.%s is no text: this needs goTemplate: true", i, name)
					}
					flattened["values."+name] = text
				}
			default:
				return nil, fault.New(fault.Invalid, "list.elements[%d].%s is no text: put it in quotes, or set goTemplate: true", i, key)
			}
		}
		elements[i] = flattened
	}
	return elements, nil
}
