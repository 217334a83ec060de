package helm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// loading reads a chart with all that it depends on.
type loading struct {
	ctx    context.Context
	charts *charts
	more   render.Opener
	warnf  func(format string, args ...any)
	// main is what was loaded first, and origins where every file of all is.
	main    *loaded
	origins map[*chart.File]render.Origin
}

// maxChain bounds charts that depend on charts.
const maxChain = 8

// place is a folder of a tree.
type place struct {
	files snapshot.FS
	dir   string
	tree  *snapshot.Location // nil is the source's own
}

// chart gives a chart that may be changed.
func (l *loading) chart(at place, depth int) (*chart.Chart, error) {
	if depth > maxChain {
		return nil, fault.New(fault.Invalid, "%s: charts depend on each other more than %d deep", at.dir, maxChain)
	}
	content, err := readAll(at.files, at.dir)
	if err != nil {
		return nil, err
	}
	held, err := l.charts.load(content)
	if err != nil {
		return nil, fmt.Errorf("load the chart in %s: %w", at.dir, err)
	}
	if l.main == nil {
		l.main = held
	}
	for file, name := range held.places {
		origin := render.Origin{Tree: at.tree}
		if name != "" {
			origin.Path = path.Join(at.dir, name)
		}
		l.origins[file] = origin
	}
	c := fork(held.chart)
	return c, l.complete(c, at, depth)
}

// complete adds what Chart.yaml asks for and charts/ does not hold.
func (l *loading) complete(c *chart.Chart, at place, depth int) error {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	var missing []*chart.Dependency
	for _, want := range c.Metadata.Dependencies {
		if !have[want.Name] {
			missing = append(missing, want)
			have[want.Name] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	file := path.Join(at.dir, "Chart.yaml")
	locked, err := lockOf(c)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var failures []error
	for _, want := range missing {
		sub, err := l.dependency(want, locked[want.Name], at, depth)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: the dependency %s %w", file, want.Name, err))
			continue
		}
		c.AddDependency(sub)
	}
	return errors.Join(failures...)
}

// dependency opens one chart; its errors go on where "the dependency NAME" ends.
func (l *loading) dependency(want, locked *chart.Dependency, at place, depth int) (*chart.Chart, error) {
	repository, version := want.Repository, want.Version
	if locked != nil {
		version = locked.Version
	}
	if rel, ok := strings.CutPrefix(repository, "file://"); ok {
		dir := path.Join(at.dir, rel)
		if !fs.ValidPath(dir) || path.IsAbs(rel) {
			return nil, fault.New(fault.Invalid, "leaves the repository")
		}
		sub, err := l.chart(place{at.files, dir, at.tree}, depth+1)
		if err != nil {
			return nil, fmt.Errorf("cannot be read: %w", err)
		}
		return sub, nil
	}
	switch {
	case repository == "":
		return nil, fault.New(fault.Missing, "is not in charts/, and names no repository")
	case strings.HasPrefix(repository, "@"), strings.HasPrefix(repository, "alias:"):
		return nil, fault.New(fault.Invalid, "names its repository %s, which only the machine knows where it was added; write its URL", repository)
	case !strings.HasPrefix(repository, "https://") && !strings.HasPrefix(repository, "http://") && !strings.HasPrefix(repository, "oci://"):
		return nil, fault.New(fault.Invalid, "is at %s; https://, http://, oci:// and file:// are read", repourl.Redact(repository))
	case l.more == nil:
		return nil, fault.New(fault.Missing, "is not in charts/, and nothing is fetched here; run 'helm dependency build' and commit what it makes")
	}
	where := &snapshot.Location{RepoURL: repository, Chart: want.Name, Revision: version}
	if _, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v")); err != nil && locked == nil {
		l.warnf("the dependency %s of the chart in %s is not locked: the newest version in %q is taken, whatever it is by then; commit a Chart.lock",
			want.Name, at.dir, version)
	}
	tree, err := l.more.Tree(l.ctx, *where)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	sub, err := l.chart(place{tree.FS, ".", where}, depth+1)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return sub, nil
}

// lockOf reads Chart.lock: nothing where there is none. One that was made for
// another Chart.yaml is refused, as Helm does.
func lockOf(c *chart.Chart) (map[string]*chart.Dependency, error) {
	if c.Lock == nil {
		return nil, nil
	}
	out := map[string]*chart.Dependency{}
	for _, d := range c.Lock.Dependencies {
		if d != nil {
			out[d.Name] = d
		}
	}
	if c.Lock.Digest == "" {
		return out, nil
	}
	now, err := digestOf([2][]*chart.Dependency{c.Metadata.Dependencies, c.Lock.Dependencies})
	if err != nil {
		return nil, err
	}
	old, err := digestOf(map[string][]*chart.Dependency{"dependencies": c.Metadata.Dependencies}) // Helm 2's
	if err != nil {
		return nil, err
	}
	if c.Lock.Digest != now && (c.Metadata.APIVersion != chart.APIVersionV1 || c.Lock.Digest != old) {
		return nil, fault.New(fault.Invalid, "Chart.lock was made for other dependencies; run 'helm dependency update' and commit it")
	}
	return out, nil
}

func digestOf(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
