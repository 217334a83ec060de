package helm

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// ignoreRules are the lines of .helmignore, the last one that matches first.
type ignoreRules []ignoreRule

type ignoreRule struct {
	pattern              string
	keep, folder, rooted bool
}

func readIgnore(files snapshot.FS, dir string) (ignoreRules, error) {
	name := path.Join(dir, ".helmignore")
	data, err := files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rules ignoreRules
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var r ignoreRule
		line, r.keep = strings.CutPrefix(line, "!")
		line, r.folder = strings.CutSuffix(line, "/")
		r.rooted = strings.Contains(line, "/")
		r.pattern = strings.TrimPrefix(line, "/")
		if _, err := path.Match(r.pattern, ""); err != nil || strings.Contains(r.pattern, "**") {
			return nil, fault.New(fault.Invalid, "%s: the pattern %q is not supported", name, line)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (rules ignoreRules) matches(rel string, isDir bool) bool {
	ignored := false
	for _, r := range rules {
		if r.folder && !isDir {
			continue
		}
		subject := rel
		if !r.rooted {
			subject = path.Base(rel)
		}
		if ok, _ := path.Match(r.pattern, subject); ok {
			ignored = !r.keep
		}
	}
	return ignored
}
