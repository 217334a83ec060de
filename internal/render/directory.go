package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/fault"
)

// directory reads plain manifests.
type directory struct{}

// maxDirectory bounds the bytes of one application's manifests.
const maxDirectory = 32 << 20

func (directory) Render(ctx context.Context, req Request) ([]Manifest, error) {
	options := v1alpha1.ApplicationSourceDirectory{}
	if req.Source.Directory != nil {
		options = *req.Source.Directory
	}
	pick, err := newPicker(options)
	if err != nil {
		return nil, err
	}
	var out []Manifest
	var failures []error
	root, total := req.Path(), 0
	err = fs.WalkDir(req.Tree.FS, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		isDir := entry.IsDir()
		if entry.Type()&fs.ModeSymlink != 0 {
			info, err := fs.Stat(req.Tree.FS, name)
			if err != nil {
				failures = append(failures, err)
				return nil
			}
			if info.IsDir() {
				return nil // a folder reached through a link could hold itself
			}
		}
		if isDir {
			if name != root && !options.Recurse {
				return fs.SkipDir
			}
			return nil
		}
		if !pick.takes(strings.TrimPrefix(strings.TrimPrefix(name, root), "/")) {
			return nil
		}
		objects, size, err := readManifests(req.Tree.FS, name)
		if total += size; total > maxDirectory {
			return fault.New(fault.Invalid, "its manifests are larger than %d MiB together", maxDirectory>>20)
		}
		if err != nil {
			failures = append(failures, err)
		}
		out = append(out, objects...)
		return nil
	})
	return out, errors.Join(append(failures, err)...)
}

func readManifests(files fs.FS, name string) ([]Manifest, int, error) {
	if strings.HasSuffix(name, ".jsonnet") {
		return nil, 0, fault.New(fault.Invalid, "%s: Jsonnet is not supported", name)
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, 0, err
	}
	if bytes.Contains(data, []byte("+argocd:skip-file-rendering")) || bytes.Contains(data, []byte("+trueup:skip-file-rendering")) {
		return nil, len(data), nil
	}
	items, err := manifest.Locate(bytes.NewReader(data), name)
	if err != nil {
		return nil, len(data), fault.Wrap(fault.Invalid, err)
	}
	var out []Manifest
	for _, item := range items {
		out = append(out, Manifest{item.Object, Origin{Path: name, Line: item.Line}})
	}
	return out, len(data), nil
}

// picker chooses files as Argo CD does: by extension, then exclude, then
// include, both globs over the path below the source's folder.
type picker struct {
	include, exclude *glob.Pattern
	any              bool
}

func newPicker(o v1alpha1.ApplicationSourceDirectory) (picker, error) {
	p := picker{any: o.DisableExtensionFilter}
	for _, pattern := range []struct {
		field, text string
		into        **glob.Pattern
	}{{"include", o.Include, &p.include}, {"exclude", o.Exclude, &p.exclude}} {
		if pattern.text == "" {
			continue
		}
		g, err := glob.Compile(pattern.text)
		if err != nil {
			return p, fault.Wrap(fault.Invalid, fmt.Errorf("directory.%s %q: %w", pattern.field, pattern.text, err))
		}
		*pattern.into = g
	}
	return p, nil
}

func (p picker) takes(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json", ".jsonnet":
	default:
		if !p.any {
			return false
		}
	}
	if p.exclude != nil && p.exclude.Match(name) {
		return false
	}
	return p.include == nil || p.include.Match(name)
}
