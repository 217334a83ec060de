package helm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// overrides are what a source sets over a chart's own values.
type overrides struct {
	all    map[string]any
	layers []layer
}

// layer is one place where values come from.
type layer struct {
	name   string
	values map[string]any
}

// values merges what the source sets, weakest first: value files in order,
// values or valuesObject, parameters, parameters that are strings, files as
// parameters.
func values(ctx context.Context, req render.Request, o v1alpha1.ApplicationSourceHelm) (*overrides, error) {
	v := &overrides{all: map[string]any{}}
	files, err := v.valueFiles(ctx, req, o)
	failures := []error{err}
	for _, f := range files {
		data, err := f.read(o.IgnoreMissingValueFiles)
		if err != nil {
			failures = append(failures, fmt.Errorf("helm.valueFiles: %w", err))
			continue
		}
		failures = append(failures, v.merge(f.name(), data))
	}
	if o.ValuesObject != nil {
		failures = append(failures, v.merge("helm.valuesObject", o.ValuesObject.Raw))
	} else {
		failures = append(failures, v.merge("helm.values", []byte(o.Values)))
	}
	for _, forced := range []bool{false, true} {
		for _, p := range o.Parameters {
			if p.ForceString == forced {
				failures = append(failures, v.set(req, p))
			}
		}
	}
	for _, p := range o.FileParameters {
		if err := v.setFile(ctx, req, p); err != nil {
			failures = append(failures, fmt.Errorf("helm.fileParameters: %s: %w", p.Name, err))
		}
	}
	return v, errors.Join(failures...)
}

func (v *overrides) valueFiles(ctx context.Context, req render.Request, o v1alpha1.ApplicationSourceHelm) ([]valueFile, error) {
	var named []valueFile
	var failures []error
	for _, written := range o.ValueFiles {
		at, err := locate(ctx, req, written)
		if err != nil {
			failures = append(failures, fmt.Errorf("helm.valueFiles: %w", err))
			continue
		}
		named = append(named, at)
	}
	files, err := expand(named, o.IgnoreMissingValueFiles)
	if err != nil {
		failures = append(failures, fmt.Errorf("helm.valueFiles: %w", err))
	}
	return files, errors.Join(failures...)
}

func (v *overrides) merge(name string, data []byte) error {
	var more map[string]any
	if err := yaml.Unmarshal(data, &more); err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("read %s: %w", name, err))
	}
	if len(more) > 0 {
		v.layers = append(v.layers, layer{name, more})
	}
	merge(v.all, more)
	return nil
}

func (v *overrides) set(req render.Request, p v1alpha1.HelmParameter) error {
	parse := strvals.ParseInto
	if p.ForceString {
		parse = strvals.ParseIntoString
	}
	text := p.Name + "=" + escape(req.Expand(p.Value))
	own := map[string]any{}
	if err := errors.Join(parse(text, v.all), parse(text, own)); err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("helm.parameters: %s: %w", p.Name, err))
	}
	v.layers = append(v.layers, layer{"helm.parameters", own})
	return nil
}

func (v *overrides) setFile(ctx context.Context, req render.Request, p v1alpha1.HelmFileParameter) error {
	at, err := locate(ctx, req, p.Path)
	if err != nil {
		return err
	}
	data, err := at.read(false)
	if err != nil {
		return err
	}
	content := func([]rune) (any, error) { return string(data), nil }
	own := map[string]any{}
	if err := errors.Join(strvals.ParseIntoFile(p.Name+"=-", v.all, content), strvals.ParseIntoFile(p.Name+"=-", own, content)); err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	v.layers = append(v.layers, layer{at.name(), own})
	return nil
}

// from names the last place that sets a value, or something within or around
// it; empty is the chart itself.
func (v *overrides) from(path []string) string {
	for i := len(v.layers) - 1; i >= 0; i-- {
		var at any = v.layers[i].values
		found := len(path) > 0
		for _, key := range path {
			under, ok := at.(map[string]any)
			if !ok {
				break // a list, or a value in the place of a map
			}
			if at, found = under[key]; !found {
				break
			}
		}
		if found {
			return v.layers[i].name
		}
	}
	return ""
}

// escape keeps commas in a value from starting the next one, unless the user
// escaped them already or gave a list.
func escape(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var b strings.Builder
	for i, r := range value {
		if r == ',' && (i == 0 || value[i-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// merge puts b over a, map by map. A null stays: it removes a chart's
// default.
func merge(a, b map[string]any) {
	for key, value := range b {
		if under, ok := a[key].(map[string]any); ok {
			if over, ok := value.(map[string]any); ok {
				merge(under, over)
				continue
			}
		}
		a[key] = clone(value)
	}
}
