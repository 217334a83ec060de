package appset

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// plugin gives one parameter set per one that the plugin answers with, with
// the input beside it under generator.input.parameters. An empty answer is
// never verified: nobody knows why a plugin has nothing to say.
func (g *generation) plugin(ctx context.Context, gen *v1alpha1.PluginGenerator) ([]params, error) {
	if g.world.Plugins == nil {
		return nil, fault.New(fault.Invalid, "no plugins are given")
	}
	var all place.Problems
	if gen.ConfigMapRef.Name == "" {
		all.Add("configMapRef.name", fault.New(fault.Invalid, "it is empty"))
	}
	input := params{}
	for key, raw := range gen.Input.Parameters {
		value, err := param.Free(raw.Raw)
		all.Add("input.parameters."+key, err)
		input[key] = value
	}
	if err := all.Err(); err != nil {
		return nil, err
	}
	answers, err := g.world.Plugins.Parameters(ctx, PluginCaller{Namespace: g.set.Namespace, Name: g.set.Name}, gen)
	if err != nil {
		return nil, err
	}
	out := make([]params, 0, len(answers))
	for i, answer := range answers {
		p, err := g.answered(answer, input)
		if err == nil {
			err = g.addValues(p, gen.Values)
		}
		all.About(fmt.Sprintf("parameter set %d", i), err)
		out = append(out, p)
		g.notes = append(g.notes, fmt.Sprintf("plugin %s, parameter set %d", gen.ConfigMapRef.Name, i))
	}
	return out, all.Err()
}

// answered is one parameter set of an answer. Its numbers keep their digits.
func (g *generation) answered(answer, input params) (params, error) {
	raw, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	value, err := param.JSON(raw)
	if err != nil {
		return nil, err
	}
	p, ok := value.(params)
	if !ok {
		return nil, fault.New(fault.Invalid, "it is not a map")
	}
	p["generator"] = map[string]any{"input": map[string]any{"parameters": input}}
	if g.text.Go() {
		return p, nil
	}
	flat := params{}
	for key, text := range param.Flat(p) {
		flat[key] = text
	}
	return flat, nil
}
