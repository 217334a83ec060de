package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/fault"
)

// directory reads plain manifests, and Jsonnet.
type directory struct{ jsonnet Evaluator }

// NewDirectory returns the engine of plain directories. Without an evaluator
// Jsonnet files are an error.
func NewDirectory(jsonnet Evaluator) Engine { return directory{jsonnet} }

// maxDirectory bounds the bytes of one application's manifests.
const maxDirectory = 32 << 20

func (d directory) Render(ctx context.Context, req Request) ([]Manifest, error) {
	options := v1alpha1.ApplicationSourceDirectory{}
	if req.Source.Directory != nil {
		options = *req.Source.Directory
	}
	pick, err := newPicker(options)
	if err != nil {
		return nil, err
	}
	names, failures, err := pick.walk(ctx, req.Tree.FS, req.Path())
	if err != nil {
		return nil, err
	}
	found := make([][]Manifest, len(names))
	var programs []File
	var places []int // of the programs among the names
	total := 0
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := req.Tree.FS.ReadFile(name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if skipped(data) {
			continue
		}
		if total += len(data); total > maxDirectory {
			return nil, fault.New(fault.Invalid, "its manifests are larger than %d MiB together", maxDirectory>>20)
		}
		if strings.HasSuffix(name, ".jsonnet") {
			programs, places = append(programs, File{name, data}), append(places, i)
			continue
		}
		if found[i], err = readManifests(File{name, data}); err != nil {
			failures = append(failures, err)
		}
	}
	texts, err := d.evaluate(ctx, req, programs)
	failures = append(failures, err)
	for i, text := range texts {
		var err error
		if found[places[i]], err = readEvaluated(programs[i].Path, text); err != nil {
			failures = append(failures, err)
		}
	}
	var out []Manifest
	for _, manifests := range found {
		out = append(out, manifests...)
	}
	return out, errors.Join(failures...)
}

func (d directory) evaluate(ctx context.Context, req Request, programs []File) ([]string, error) {
	switch {
	case len(programs) == 0:
		return nil, nil
	case d.jsonnet == nil:
		return nil, fault.New(fault.Invalid, "%s: Jsonnet is not supported here", programs[0].Path)
	}
	return d.jsonnet.Evaluate(ctx, req, programs)
}

// skipped reports a file that says anywhere in it that it is not to be read.
func skipped(data []byte) bool {
	return bytes.Contains(data, []byte("+argocd:skip-file-rendering")) || bytes.Contains(data, []byte("+trueup:skip-file-rendering"))
}

func readManifests(f File) ([]Manifest, error) {
	items, err := manifest.Locate(bytes.NewReader(f.Data), f.Path)
	if err != nil {
		if manifest.Unlike(err) && !resembles(f) {
			return nil, nil // as Argo CD does with the values of charts and what else lies about
		}
		return nil, err
	}
	out := make([]Manifest, 0, len(items))
	for _, item := range items {
		out = append(out, Manifest{item.Object, Origin{Path: f.Path, Line: item.Line}})
	}
	return out, nil
}

// resembles reports a file that may have been meant for Kubernetes, though no
// object was found: a mistake in it must not remove what it describes.
func resembles(f File) bool {
	if strings.HasSuffix(f.Path, ".json") {
		var value map[string]any
		if json.Unmarshal(f.Data, &value) != nil {
			return true
		}
	}
	for _, word := range []string{"apiVersion", "kind"} {
		if bytes.Contains(f.Data, []byte(word+":")) || bytes.Contains(f.Data, []byte(`"`+word+`"`)) {
			return true
		}
	}
	return false
}

// readEvaluated takes the result of a Jsonnet file: an object, an array of
// them, or nothing. Lists among them stand for their items.
func readEvaluated(name, text string) ([]Manifest, error) {
	if text == "" {
		return nil, nil // it failed, and that is told
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("evaluate %s: read the result: %w", name, err))
	}
	items, isArray := value.([]any)
	if !isArray {
		items = []any{value}
	}
	var out []Manifest
	var failures []error
	for i, item := range items {
		if item == nil {
			continue
		}
		objects, err := manifest.Objects(item)
		if err != nil {
			if isArray {
				err = fmt.Errorf("item %d: %w", i, err)
			}
			failures = append(failures, fault.Wrap(fault.Invalid, fmt.Errorf("evaluate %s: %w", name, err)))
		}
		for _, u := range objects {
			out = append(out, Manifest{u, Origin{Path: name}})
		}
	}
	return out, errors.Join(failures...)
}
