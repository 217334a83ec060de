package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// values merges what the source sets, weakest first: value files in order,
// values, valuesObject, parameters.
func values(req render.Request) (map[string]any, error) {
	o := v1alpha1.ApplicationSourceHelm{}
	if req.Source.Helm != nil {
		o = *req.Source.Helm
	}
	all := map[string]any{}
	var failures []error
	for _, name := range o.ValueFiles {
		data, err := valueFile(req, name, o.IgnoreMissingValueFiles)
		if err == nil {
			err = mergeYAML(all, data, name)
		}
		failures = append(failures, err)
	}
	if o.ValuesObject != nil {
		failures = append(failures, mergeYAML(all, o.ValuesObject.Raw, "helm.valuesObject"))
	} else {
		failures = append(failures, mergeYAML(all, []byte(o.Values), "helm.values"))
	}
	for _, p := range o.Parameters {
		set := strvals.ParseInto
		if p.ForceString {
			set = strvals.ParseIntoString
		}
		if err := set(p.Name+"="+escape(p.Value), all); err != nil {
			failures = append(failures, fault.Wrap(fault.Invalid, fmt.Errorf("helm.parameters: %s: %w", p.Name, err)))
		}
	}
	for _, p := range o.FileParameters {
		data, err := valueFile(req, p.Path, false)
		if err == nil {
			err = strvals.ParseIntoString(p.Name+"="+escape(string(data)), all)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("helm.fileParameters: %s: %w", p.Name, err))
		}
	}
	return all, errors.Join(failures...)
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

// valueFile reads a file of values: relative to the chart, or to the
// repository where it begins with a slash.
func valueFile(req render.Request, name string, optional bool) ([]byte, error) {
	if strings.HasPrefix(name, "$") {
		return nil, fault.New(fault.Invalid, "helm.valueFiles: %s: values from another source are not supported", name)
	}
	if strings.Contains(name, "://") {
		return nil, fault.New(fault.Invalid, "helm.valueFiles: %s: nothing is fetched while rendering", name)
	}
	at := path.Join(req.Path(), name)
	if strings.HasPrefix(name, "/") {
		at = path.Clean(strings.TrimPrefix(name, "/"))
	}
	if !fs.ValidPath(at) {
		return nil, fault.New(fault.Invalid, "helm.valueFiles: %s leaves the repository", name)
	}
	data, err := req.Tree.FS.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		if optional {
			return nil, nil
		}
		return nil, fault.New(fault.Missing, "helm.valueFiles: %s is not in the repository", at)
	}
	return data, err
}

func mergeYAML(into map[string]any, data []byte, name string) error {
	var more map[string]any
	if err := yaml.Unmarshal(data, &more); err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("read %s: %w", name, err))
	}
	merge(into, more)
	return nil
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
		a[key] = value
	}
}
