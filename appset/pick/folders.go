package pick

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Pattern picks what it matches, or with Exclude takes it out again.
type Pattern struct {
	Path    string
	Exclude bool
}

// Bounds of what is looked at in one repository.
const (
	maxLooked = 200_000
	maxFound  = 20_000
)

// Malformed tells whether path.Match refuses a folder pattern. Such a pattern
// matches nothing.
func Malformed(pattern string) bool {
	_, err := path.Match(pattern, "")
	return err != nil
}

// Folders lists the folders that a pattern matches and none excludes, in the
// order of a walk. A * stops at a slash. The root and everything below a
// folder whose name begins with a dot do not count.
func Folders(ctx context.Context, files fs.FS, patterns []Pattern) ([]string, error) {
	var out []string
	err := walk(ctx, files, ".", func(name string, entry fs.DirEntry) error {
		switch {
		case !entry.IsDir() || name == ".":
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		if picked(patterns, name) {
			out = append(out, name)
		}
		if !reaches(patterns, name) {
			return fs.SkipDir
		}
		return nil
	})
	return out, err
}

// picked: an exclude wins over every include, in whatever order they are.
func picked(patterns []Pattern, name string) bool {
	included := false
	for _, p := range patterns {
		ok, err := path.Match(p.Path, name)
		if err != nil || !ok {
			continue
		}
		if p.Exclude {
			return false
		}
		included = true
	}
	return included
}

// reaches tells whether a pattern can match something below a folder.
func reaches(patterns []Pattern, name string) bool {
	depth := strings.Count(name, "/") + 1
	for _, p := range patterns {
		if p.Exclude {
			continue
		}
		if strings.ContainsAny(p.Path, `[\`) {
			return true // these may match a slash, or hide one
		}
		segments := strings.Split(p.Path, "/")
		if len(segments) <= depth {
			continue
		}
		if ok, err := path.Match(strings.Join(segments[:depth], "/"), name); ok && err == nil {
			return true
		}
	}
	return false
}

// walk visits a folder and what is below it, or a single file; nothing where
// there is neither.
func walk(ctx context.Context, files fs.FS, root string, visit func(string, fs.DirEntry) error) error {
	looked := 0
	return fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if looked++; looked > maxLooked {
			return fault.New(fault.Invalid, "more than %d files and folders would have to be looked at: narrow the patterns", maxLooked)
		}
		return visit(name, entry)
	})
}
