package helm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

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

// complete adds what Chart.yaml asks for and charts/ does not hold. Helm takes
// what is in charts/ by its name alone, and of what it fetches each version.
func (l *loading) complete(c *chart.Chart, at place, depth int) error {
	vendored := map[string][]string{} // versions, by name
	for _, d := range c.Dependencies() {
		vendored[d.Name()] = append(vendored[d.Name()], d.Metadata.Version)
	}
	var missing []wanted
	asked := map[string]bool{}
	for i, want := range c.Metadata.Dependencies {
		versions, ok := vendored[want.Name]
		key := want.Name + "\x00" + want.Version + "\x00" + want.Repository
		switch {
		case ok && (want.Version == "" || slices.ContainsFunc(versions, func(v string) bool { return chartutil.IsCompatibleRange(want.Version, v) })):
		case ok:
			l.warnf("charts/ of the chart in %s holds %s %s, and Chart.yaml wants %s: run 'helm dependency update' and commit what it makes",
				at.dir, want.Name, strings.Join(versions, " and "), want.Version)
		case !asked[key]:
			missing = append(missing, wanted{want, i})
			asked[key] = true
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
	var opened []*chart.Chart
	for _, want := range missing {
		sub, err := l.dependency(want.Dependency, lockedFor(want, c.Metadata.Dependencies, locked), at, depth)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: the dependency %s %w", file, want.Name, err))
			continue
		}
		opened = append(opened, sub)
	}
	// Helm gives each entry the first that satisfies it; the entry was resolved
	// to the newest.
	slices.SortStableFunc(opened, func(a, b *chart.Chart) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), newerFirst(a.Metadata.Version, b.Metadata.Version))
	})
	c.AddDependency(opened...)
	return errors.Join(failures...)
}

// wanted is an entry of Chart.yaml and its place there.
type wanted struct {
	*chart.Dependency
	i int
}

func newerFirst(a, b string) int {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	if errA != nil || errB != nil {
		return 0
	}
	return vb.Compare(va)
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
		if sub.Name() != want.Name || want.Version != "" && !chartutil.IsCompatibleRange(want.Version, sub.Metadata.Version) {
			return nil, fault.New(fault.Invalid, "%s: %s holds %s %s", want.Version, dir, sub.Name(), sub.Metadata.Version)
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

// lockedFor is what Chart.lock says about an entry; nil is nothing. Helm writes
// the lists in the same order.
func lockedFor(want wanted, all, locked []*chart.Dependency) *chart.Dependency {
	named := func(d *chart.Dependency) bool { return d != nil && d.Name == want.Name }
	if len(locked) == len(all) && named(locked[want.i]) {
		return locked[want.i]
	}
	var fallback *chart.Dependency
	for _, d := range locked {
		if !named(d) {
			continue
		}
		if chartutil.IsCompatibleRange(want.Version, d.Version) {
			return d
		}
		fallback = d
	}
	return fallback
}

// lockOf reads Chart.lock: nothing where there is none. One that was made for
// another Chart.yaml is refused, as Helm does.
func lockOf(c *chart.Chart) ([]*chart.Dependency, error) {
	if c.Lock == nil {
		return nil, nil
	}
	if c.Lock.Digest == "" {
		return c.Lock.Dependencies, nil
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
	return c.Lock.Dependencies, nil
}

func digestOf(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
