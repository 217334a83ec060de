package appset

import (
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
)

// addValues renders a generator's values over the parameters so far, and over
// those of the generators before it in a matrix. One value cannot use another.
func (g *generation) addValues(p params, values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	known := p
	if len(g.scope) > 0 {
		known = param.Overlay(p, g.scope)
	}
	rendered := make(map[string]string, len(values))
	var all place.Problems
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value, err := g.text.Render(values[key], known)
		all.Add("values."+key, err)
		rendered[key] = value
	}
	if err := all.Err(); err != nil {
		return err
	}
	if g.text.Go() {
		p["values"] = rendered
		return nil
	}
	for key, value := range rendered {
		p["values."+key] = value
	}
	return nil
}
