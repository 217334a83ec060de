package kustomize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// maxLevels bounds how deep kustomizations build on each other, maxBuilds how
// many kustomize builds for one source: a base that two overlays of one
// overlay use is built twice, and so on.
const (
	maxLevels = 64
	maxBuilds = 5_000
)

// layout is everything that kustomize will read, brought into a form in which
// it neither fetches nor executes: it walks the kustomizations before
// kustomize does, opens the trees that they name, inflates their charts, and
// puts rewritten kustomizations in the place of theirs. Every error that it
// can tell is told at once.
type layout struct {
	req        render.Request
	options    Options
	files      *fileSystem
	factory    *resmap.Factory
	at         map[string]*kustomization
	inflated   map[string]render.Origin // by the path that shows an object
	failures   []error
	schemas    []string // the kustomizations that set an OpenAPI schema
	growth     growth
	deprecated deprecated
}

// kustomization is one that was walked.
type kustomization struct {
	*types.Kustomization
	name, dir string
	// inherits says that a chart in it, or in what it builds on, lives in the
	// namespace of whoever uses it; namespace is that one.
	inherits  bool
	namespace string
	builds    int
	weight    int // nodes of YAML that a build of it reads
	open      bool
	more      []chartOf // charts that generators name
	text      []byte    // as it stands in the file
	makers    []maker   // what generators holds
}

func newLayout(ctx context.Context, req render.Request, o Options) *layout {
	return &layout{
		req: req, options: o, at: map[string]*kustomization{}, inflated: map[string]render.Origin{},
		factory:    resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()),
		deprecated: deprecated{},
		files: &fileSystem{
			ctx: ctx, mounts: []mount{{tree: req.Tree}},
			overlay: map[string][]byte{}, read: map[string]*content{}, values: map[string]int{},
			text: map[string]bool{}, yaml: map[string]bool{},
		},
	}
}

// fail tells what only a change of a kustomization mends.
func (l *layout) fail(k *kustomization, format string, args ...any) {
	l.failed(k, fault.New(fault.Invalid, format, args...))
}

// failed tells an error of whatever kind.
func (l *layout) failed(k *kustomization, err error) {
	l.failures = append(l.failures, fmt.Errorf("%s: %w", l.files.title(k.name), err))
}

// joined is transient if one of the failures is: the next attempt may get
// further.
func (l *layout) joined() error {
	err := errors.Join(l.failures...)
	for _, failure := range l.failures {
		if fault.Of(failure) == fault.Transient {
			return fault.Wrap(fault.Transient, err)
		}
	}
	return err
}

// prepare walks from the source's folder.
func (l *layout) prepare(dir string) error {
	root, err := l.load(dir)
	if err != nil {
		return err
	}
	if err := override(root.Kustomization, l.files, l.req); err != nil {
		return err
	}
	if l.walk(root, "", 1); root.builds > maxBuilds {
		l.fail(root, "it builds on itself more than %d times", maxBuilds)
	}
	if root.weight > maxNodes {
		l.failed(root, tooManyNodes())
	}
	l.deprecated.warn(l.req.Warnf)
	if err := l.joined(); err != nil {
		return err
	}
	doubling, err := l.growth.check()
	l.files.doubling, l.files.vars, l.files.sealed = doubling, l.growth.vars, true
	return err
}

// load reads the kustomization in a folder.
func (l *layout) load(dir string) (*kustomization, error) {
	k := &kustomization{Kustomization: &types.Kustomization{}, dir: dir}
	var found []byte
	for _, file := range names() {
		data, err := l.files.ReadFile(path.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if k.name != "" {
			return nil, fault.New(fault.Invalid, "there are both %s and %s; want one of them", l.files.title(k.name), file)
		}
		k.name, found = path.Join(dir, file), data
	}
	if k.name == "" {
		return nil, fault.New(fault.Missing, "there is no kustomization.yaml in %s", l.files.title(dir))
	}
	if err := k.Unmarshal(found); err != nil {
		return nil, fault.New(fault.Invalid, "read %s: %s", l.files.title(k.name), withoutValues(err))
	}
	k.text = found
	l.deprecated.see(k, l.files.title(k.name))
	k.FixKustomization()
	return k, nil
}

// names are what a kustomization may be called.
func names() []string { return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} }

// visit walks the kustomization in a folder that another one names.
func (l *layout) visit(from *kustomization, dir, namespace string, level int) *kustomization {
	k, ok := l.at[dir]
	switch {
	case ok && k.open:
		l.fail(from, "%s builds on it already: they build on each other in a circle", l.files.title(k.name))
		return nil
	case ok:
		if k.inherits && k.namespace != namespace {
			l.fail(from, "%s holds a chart, and is used in the namespaces %q and %q; give the chart one", l.files.title(k.name), k.namespace, namespace)
		}
		return k
	case level > maxLevels:
		l.fail(from, "kustomizations build on each other more than %d deep", maxLevels)
		return nil
	}
	k, err := l.load(dir)
	if err != nil {
		l.failed(from, err)
		return nil
	}
	l.walk(k, namespace, level)
	return k
}

// walk checks a kustomization and all that it builds on, and rewrites it.
// namespace is the one of the kustomizations that use it.
func (l *layout) walk(k *kustomization, namespace string, level int) {
	l.at[k.dir] = k
	k.open, k.namespace, k.builds = true, namespace, 1
	defer func() { k.open = false }()
	if len(k.OpenAPI) > 0 {
		l.schemas = append(l.schemas, l.files.title(k.name))
	}
	l.checkFiles(k)
	l.checkGenerators(k)
	l.checkText(k)
	l.checkPatches(k)
	below := namespace
	if k.Namespace != "" {
		below = k.Namespace
	}
	var resources []string
	for _, r := range k.Resources {
		resources = append(resources, l.resource(k, r, func(dir string) { l.descend(k, dir, below, level) }))
	}
	for i, c := range k.Components {
		k.Components[i] = l.resource(k, c, func(dir string) { l.descend(k, dir, below, level) })
	}
	k.Generators, k.makers = l.plugins(k, "generators", k.Generators)
	k.Transformers, _ = l.plugins(k, "transformers", k.Transformers)
	k.Validators, _ = l.plugins(k, "validators", k.Validators)
	k.Resources = append(resources, l.charts(k, below)...)
	if k.Namespace != "" {
		k.inherits = false
	}
	k.HelmCharts, k.HelmGlobals = nil, nil
	data, err := json.Marshal(k.Kustomization)
	if err != nil {
		l.fail(k, "%w", err)
	}
	l.files.overlay[k.name] = data
}

func (l *layout) descend(k *kustomization, dir, namespace string, level int) {
	sub := l.visit(k, dir, namespace, level+1)
	if sub == nil {
		return
	}
	k.builds = min(k.builds+sub.builds, maxBuilds+1)
	k.weight = min(k.weight+sub.weight, maxNodes+1)
	k.inherits = k.inherits || sub.inherits
}

// resource checks an entry of resources or components, has folder look at a
// folder, and returns what is to stand in the entry's place.
func (l *layout) resource(k *kustomization, entry string, folder func(dir string)) string {
	to, err := l.resolve(k, entry)
	if err != nil {
		l.failed(k, err)
		return entry
	}
	info, err := l.files.stat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fail(k, "%s is not there", shown(entry))
	case err != nil:
		l.failed(k, err)
	case info.IsDir():
		folder(to)
	case remote(entry):
		l.fail(k, "%s is a file; a repository's folder can be a base", shown(entry))
	default:
		l.weigh(k, to)
	}
	if remote(entry) {
		return relative(k.dir, to)
	}
	return entry
}

// resolve gives the path of an entry, which may be in another repository.
func (l *layout) resolve(k *kustomization, entry string) (string, error) {
	if !remote(entry) {
		return l.within(k.dir, entry)
	}
	at, dir, err := parseRemote(entry)
	if err != nil {
		return "", err
	}
	if l.req.More == nil {
		return "", fault.New(fault.Invalid, "%s is not in the repository, and nothing is fetched; copy it into the repository", shown(entry))
	}
	m, err := l.mount(at)
	return path.Join(m.root, dir), err
}

// within joins a path to a folder, and keeps it in the folder's tree.
func (l *layout) within(dir, name string) (string, error) { return l.withinAs(dir, name, name) }

// withinAs is within that calls the path something else in its errors.
func (l *layout) withinAs(dir, name, called string) (string, error) {
	if path.IsAbs(name) {
		return "", fault.New(fault.Invalid, "%s: want a path from the kustomization's folder, not from the root", called)
	}
	m, rest, err := l.files.inside(dir)
	if err != nil {
		return "", err
	}
	to := path.Join(rest, name)
	if to == ".." || strings.HasPrefix(to, "../") {
		return "", fault.New(fault.Invalid, "%s leaves the repository", called)
	}
	if to == ".git" || strings.HasPrefix(to, mountFolder) {
		return "", fault.New(fault.Invalid, "%s is not a part of the repository", called)
	}
	return path.Join(m.root, to), nil
}

// relative is the way from a folder to a path, both from the root.
func relative(dir, to string) string {
	if dir == "." {
		return to
	}
	return strings.Repeat("../", strings.Count(dir, "/")+1) + to
}
