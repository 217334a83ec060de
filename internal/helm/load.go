package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// maxChart bounds the bytes of a chart's files.
const maxChart = 64 << 20

// load reads the chart in a folder, and the charts beside it that it depends
// on by file:// URL.
func load(files snapshot.FS, dir string, depth int) (*chart.Chart, error) {
	if depth > 8 {
		return nil, fault.New(fault.Invalid, "%s: charts depend on each other more than 8 deep", dir)
	}
	content, err := readAll(files, dir)
	if err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(content)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("load the chart in %s: %w", dir, err))
	}
	return c, dependencies(files, dir, c, depth)
}

func readAll(files snapshot.FS, dir string) ([]*loader.BufferedFile, error) {
	ignore, err := readIgnore(files, dir)
	if err != nil {
		return nil, err
	}
	var out []*loader.BufferedFile
	total := 0
	var walk func(string) error
	walk = func(folder string) error {
		entries, err := files.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(folder, e.Name())
			rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
			if dir == "." {
				rel = name
			}
			info, err := files.Stat(name)
			if err != nil {
				return err
			}
			if ignore.matches(rel, info.IsDir()) {
				continue
			}
			if info.IsDir() {
				if e.Type()&fs.ModeSymlink != 0 && strings.Count(rel, "/") > 16 {
					return fault.New(fault.Invalid, "%s: the link leads in a circle", name)
				}
				if err := walk(name); err != nil {
					return err
				}
				continue
			}
			data, err := files.ReadFile(name)
			if locked, ok := render.LockedData(err); ok && !needed(rel) {
				data, err = locked, nil
			}
			if err != nil {
				return err
			}
			if total += len(data); total > maxChart {
				return fault.New(fault.Invalid, "the chart in %s is larger than %d MiB", dir, maxChart>>20)
			}
			out = append(out, &loader.BufferedFile{Name: rel, Data: data})
		}
		return nil
	}
	return out, walk(dir)
}

// needed tells the files that make a chart. Others only lie in its folder, as
// the encrypted values of other clusters do: they stay closed without a key.
func needed(rel string) bool {
	folder, _, nested := strings.Cut(rel, "/")
	if !nested {
		return strings.HasPrefix(rel, "Chart.") || strings.HasPrefix(rel, "values.") || strings.HasPrefix(rel, "requirements.")
	}
	return folder == "templates" || folder == "crds" || folder == "charts"
}

// dependencies adds what Chart.yaml asks for and charts/ does not hold.
func dependencies(files snapshot.FS, dir string, c *chart.Chart, depth int) error {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	var failures []error
	for _, want := range c.Metadata.Dependencies {
		if have[want.Name] {
			continue
		}
		rel, ok := strings.CutPrefix(want.Repository, "file://")
		if !ok {
			failures = append(failures, fault.New(fault.Missing,
				"%s/Chart.yaml: the dependency %s is not in charts/, and nothing is fetched while rendering; run 'helm dependency build' and commit what it makes",
				dir, want.Name))
			continue
		}
		at := path.Join(dir, rel)
		if !fs.ValidPath(at) {
			failures = append(failures, fault.New(fault.Invalid, "%s/Chart.yaml: the dependency %s leaves the repository", dir, want.Name))
			continue
		}
		sub, err := load(files, at, depth+1)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		have[want.Name] = true
		c.AddDependency(sub)
	}
	return errors.Join(failures...)
}
