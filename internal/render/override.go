package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"

	kjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/misfit"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/fault"
)

// override merges into the source what files in its folder say: the one for
// all applications, then the application's own. Both are looked for even
// where there are none, so that one which is added is seen.
func override(req Request) (Request, error) {
	dir := req.Path()
	if !fs.ValidPath(dir) {
		return req, nil // Detect says so
	}
	own := req.Source
	for _, file := range []string{".argocd-source.yaml", ".argocd-source-" + req.id() + ".yaml"} {
		name := path.Join(dir, file)
		if !fs.ValidPath(name) {
			continue
		}
		info, err := fs.Stat(req.Tree.FS, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			continue
		}
		if err != nil {
			return req, err
		}
		data, err := req.Tree.FS.ReadFile(name)
		if err != nil {
			return req, err
		}
		if req.Source, err = merged(req.Source, data); err != nil {
			return req, fault.Wrap(fault.Invalid, fmt.Errorf("read %s: %w", name, err))
		}
		for _, f := range idle(data) {
			req.Warnf("%s:%d: %s", name, document.LineOf(data, f.path), f.text)
		}
	}
	// Where the files are is not for the files to say.
	tools := req.Source
	req.Source = own
	req.Source.Helm, req.Source.Kustomize, req.Source.Directory, req.Source.Plugin = tools.Helm, tools.Kustomize, tools.Directory, tools.Plugin
	return req, nil
}

// merged is a source with a JSON merge patch in YAML.
func merged(s v1alpha1.ApplicationSource, patch []byte) (v1alpha1.ApplicationSource, error) {
	change, err := manifest.Value(patch)
	if err != nil || change == nil {
		return s, err
	}
	fields, ok := change.(map[string]any)
	if !ok {
		return s, fmt.Errorf("line %d: want fields of an application's source, such as helm or kustomize", document.LineOf(patch, ""))
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return s, err
	}
	var failures []error
	for _, m := range misfit.Of[v1alpha1.ApplicationSource](data) {
		failures = append(failures, fmt.Errorf("line %d: %w", document.LineOf(patch, m.Path), m))
	}
	if err := errors.Join(failures...); err != nil {
		return s, err
	}
	data, err = json.Marshal(s)
	if err != nil {
		return s, err
	}
	now, err := manifest.Value(data)
	if err != nil {
		return s, err
	}
	if data, err = json.Marshal(merge(now, fields)); err != nil {
		return s, err
	}
	var out v1alpha1.ApplicationSource
	if err := json.Unmarshal(data, &out); err != nil {
		return s, err
	}
	return out, nil
}

// idleField is a field that changes nothing, and why.
type idleField struct{ path, text string }

// idle lists the fields of a patch that is well formed which have no effect.
func idle(patch []byte) []idleField {
	value, err := manifest.Value(patch)
	fields, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	var lenient, exact v1alpha1.ApplicationSource
	unknown, err := kjson.UnmarshalStrict(data, &exact)
	if err != nil || json.Unmarshal(data, &lenient) != nil || !reflect.DeepEqual(lenient, exact) {
		return nil // such as Helm for helm, which Argo CD takes: it has an effect
	}
	var out []idleField
	for _, e := range unknown {
		if fe := kjson.FieldError(nil); errors.As(e, &fe) {
			out = append(out, idleField{fe.FieldPath(), "unknown field " + fe.FieldPath()})
		}
	}
	for _, name := range []string{"repoURL", "path", "targetRevision", "tagPrefix", "chart", "ref", "name"} {
		if given, _ := fields[name].(string); given != "" {
			out = append(out, idleField{name, name + " has no effect here: where the files are is for the application to say"})
		}
	}
	return out
}

// merge follows RFC 7396: null removes, maps are merged, all else is replaced.
func merge(now, change any) any {
	fields, ok := change.(map[string]any)
	if !ok {
		return change
	}
	out, ok := now.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for key, value := range fields {
		if value == nil {
			delete(out, key)
			continue
		}
		out[key] = merge(out[key], value)
	}
	return out
}
