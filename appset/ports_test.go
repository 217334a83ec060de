package appset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// section decodes what a section says, as adapters do: a text is an error.
func section[T any](data []byte) (out T, err error) {
	raw, err := yaml.YAMLToJSON(data)
	if err != nil {
		return out, err
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return out, fault.New(fault.Missing, "%s", strings.TrimSpace(text))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return out, d.Decode(&out)
}

// Decide implements appset.Decisions.
func (w *fakeWorld) Decide(context.Context, string, *v1alpha1.DuckTypeGenerator) (appset.Decision, error) {
	return section[appset.Decision](w.decisions)
}

// Parameters implements appset.Plugins.
func (w *fakeWorld) Parameters(context.Context, appset.PluginCaller, *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	return section[[]map[string]any](w.plugin)
}
