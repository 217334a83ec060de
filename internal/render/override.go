package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

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
		return s, errors.New("want fields of an application's source, such as helm or kustomize")
	}
	data, err := json.Marshal(s)
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
