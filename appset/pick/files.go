package pick

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Files lists the files that a pattern matches and none excludes, sorted. The
// patterns are pathspecs of git: a * crosses slashes, and a folder's name
// stands for all that is in it. Errors are of kind Invalid where a pattern is
// not one.
func Files(ctx context.Context, files fs.FS, patterns []Pattern) ([]string, error) {
	specs := make([]Pathspec, len(patterns))
	var failures []error
	for i, p := range patterns {
		var err error
		if specs[i], err = ParsePathspec(p.Path); err != nil {
			failures = append(failures, fmt.Errorf("the pattern %q: %w", p.Path, err))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, root := range roots(specs, patterns) {
		err := walk(ctx, files, root, func(name string, entry fs.DirEntry) error {
			switch {
			case entry.Name() == ".git":
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil // a work tree's link to its repository
			case entry.IsDir():
				return nil
			}
			if matched(specs, patterns, name) {
				found[name] = true
			}
			if len(found) > maxFound {
				return fault.New(fault.Invalid, "the patterns match more than %d files", maxFound)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func matched(specs []Pathspec, patterns []Pattern, name string) bool {
	included := false
	for i, s := range specs {
		if !s.Match(name) {
			continue
		}
		if patterns[i].Exclude {
			return false
		}
		included = true
	}
	return included
}

// roots are the folders that must be walked, none in another.
func roots(specs []Pathspec, patterns []Pattern) []string {
	all := map[string]bool{}
	for i, s := range specs {
		if !patterns[i].Exclude {
			all[s.root()] = true
		}
	}
	if all["."] {
		return []string{"."}
	}
	var out []string
	for _, root := range slices.Sorted(maps.Keys(all)) {
		if len(out) > 0 && strings.HasPrefix(root, out[len(out)-1]+"/") {
			continue
		}
		out = append(out, root)
	}
	return out
}
