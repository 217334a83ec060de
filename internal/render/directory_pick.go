package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gobwas/glob"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// picker chooses files as Argo CD does: by extension, then exclude, then
// include, both globs over the path below the source's folder.
type picker struct {
	include, exclude *glob.Pattern
	any, recurse     bool
}

func newPicker(o v1alpha1.ApplicationSourceDirectory) (picker, error) {
	p := picker{any: o.DisableExtensionFilter, recurse: o.Recurse}
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

// walk lists the files to read, in the order of their paths, and what is
// wrong with links among them.
func (p picker) walk(ctx context.Context, files snapshot.FS, root string) (names []string, failures []error, err error) {
	err = fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && name != root && !p.recurse:
			return fs.SkipDir
		case entry.IsDir() || !p.extension(name):
			return nil
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			// A folder reached through a link is left out: it could hold itself.
			info, err := files.Stat(name)
			if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
				return nil
			}
			if err != nil {
				failures = append(failures, err)
				return nil
			}
		}
		if p.takes(strings.TrimPrefix(strings.TrimPrefix(name, root), "/")) {
			names = append(names, name)
		}
		return nil
	})
	return names, failures, err
}

// extension reports a name that a manifest may have. The names of files that
// change the source's options are not among them.
func (p picker) extension(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".argocd-source") && strings.HasSuffix(base, ".yaml") {
		return false
	}
	switch path.Ext(base) { // as it is written: .YAML is another one
	case ".yaml", ".yml", ".json", ".jsonnet":
		return true
	}
	return p.any
}

func (p picker) takes(name string) bool {
	if p.exclude != nil && p.exclude.Match(name) {
		return false
	}
	return p.include == nil || p.include.Match(name)
}
