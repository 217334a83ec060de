package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Engine implements render.Engine. Kustomize keeps its OpenAPI schema in the
// process, so that one kustomization is built at a time.
type Engine struct {
	building sync.Mutex
}

// New returns an engine.
func New() *Engine { return &Engine{} }

// Render builds the kustomization at the source's path, after putting the
// source's own options into it.
func (e *Engine) Render(_ context.Context, req render.Request) ([]render.Manifest, error) {
	dir := req.Path()
	files := fileSystem{tree: req.Tree.FS, overlay: map[string][]byte{}}
	name, root, err := load(files, dir)
	if err != nil {
		return nil, err
	}
	if req.Source.Kustomize != nil {
		if err := override(root, files, req); err != nil {
			return nil, err
		}
		data, err := yaml.Marshal(root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files.overlay[name] = data
	}
	if err := local(files, dir, map[string]bool{}); err != nil {
		return nil, err
	}
	return e.build(files, dir)
}

func (e *Engine) build(files fileSystem, dir string) ([]render.Manifest, error) {
	e.building.Lock()
	defer e.building.Unlock()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone // the tree is the restriction
	options.PluginConfig = types.DisabledPluginConfig()
	resources, err := krusty.MakeKustomizer(options).Run(files, "/"+strings.TrimPrefix(dir, "."))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	var out []render.Manifest
	for _, r := range resources.Resources() {
		object, err := r.Map()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("%s: %w", r.OrgId(), err))
		}
		out = append(out, render.Manifest{Object: &unstructured.Unstructured{Object: plain(object)}})
	}
	return out, nil
}

// plain turns the numbers of YAML decoders into those that unstructured
// objects hold.
func plain(object map[string]any) map[string]any {
	for key, value := range object {
		object[key] = plainValue(value)
	}
	return object
}

func plainValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return plain(v)
	case []any:
		for i := range v {
			v[i] = plainValue(v[i])
		}
	case int:
		return int64(v)
	case uint64:
		return int64(v) //nolint:gosec // no field of an object holds more
	}
	return value
}

// names are what a kustomization may be called.
func names() []string { return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} }

func load(files fileSystem, dir string) (name string, k *types.Kustomization, err error) {
	for _, file := range names() {
		name := path.Join(dir, file)
		data, err := files.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		k := &types.Kustomization{}
		if err := yaml.Unmarshal(data, k); err != nil {
			return "", nil, fault.Wrap(fault.Invalid, fmt.Errorf("read %s: %w", name, err))
		}
		return name, k, nil
	}
	return "", nil, fault.New(fault.Missing, "there is no kustomization.yaml in %s", dir)
}

// local walks the kustomizations that build on each other and refuses what
// would have to be fetched: kustomize would run git for it.
func local(files fileSystem, dir string, visited map[string]bool) error {
	if visited[dir] {
		return nil // kustomize reports cycles
	}
	visited[dir] = true
	name, k, err := load(files, dir)
	if err != nil {
		return err
	}
	if len(k.HelmCharts) > 0 || len(k.HelmChartInflationGenerator) > 0 {
		return fault.New(fault.Invalid, "%s: helmCharts need a program to be run, which is not supported; make the chart an application of its own", name)
	}
	var failures []error
	referred := append(append(append([]string{}, k.Resources...), k.Bases...), k.Components...) //nolint:staticcheck // old files have bases
	for _, r := range append(append(referred, k.Crds...), k.Configurations...) {
		if remote(r) && !files.Exists(path.Join(dir, r)) {
			failures = append(failures, fault.New(fault.Invalid, "%s: %s is not in the repository, and nothing is fetched while rendering; copy it into the repository", name, r))
			continue
		}
		to := path.Join(dir, r)
		if to == ".." || strings.HasPrefix(to, "../") {
			failures = append(failures, fault.New(fault.Invalid, "%s: %s leaves the repository", name, r))
			continue
		}
		if files.IsDir(to) {
			failures = append(failures, local(files, to, visited))
		}
	}
	for _, file := range mentioned(k) {
		if remote(file) {
			failures = append(failures, fault.New(fault.Invalid, "%s: %s is not in the repository, and nothing is fetched while rendering; copy it into the repository", name, file))
		}
	}
	failures = append(failures, plugins(files, dir, k)...)
	return errors.Join(failures...)
}

// mentioned lists the files that a kustomization reads beside its resources.
// Kustomize would fetch those that are URLs.
func mentioned(k *types.Kustomization) []string {
	var out []string
	for _, p := range k.Patches {
		out = append(out, p.Path)
	}
	for _, p := range k.PatchesJson6902 { //nolint:staticcheck // old files have them
		out = append(out, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // old files have them
		if !strings.Contains(string(p), "\n") {
			out = append(out, string(p))
		}
	}
	for _, r := range k.Replacements {
		out = append(out, r.Path)
	}
	out = append(out, k.OpenAPI["path"])
	var sources []types.KvPairSources
	for _, g := range k.ConfigMapGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, g := range k.SecretGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, s := range sources {
		out = append(out, s.EnvSource)
		for _, file := range append(append([]string{}, s.FileSources...), s.EnvSources...) {
			if _, value, ok := strings.Cut(file, "="); ok {
				file = value
			}
			out = append(out, file)
		}
	}
	return out
}

// plugins refuses generators and transformers that name anything remote:
// they read files by themselves.
func plugins(files fileSystem, dir string, k *types.Kustomization) []error {
	var failures []error
	for _, p := range append(append(append([]string{}, k.Generators...), k.Transformers...), k.Validators...) {
		text := p
		if !strings.Contains(p, "\n") && !remote(p) {
			data, err := files.ReadFile(path.Join(dir, p))
			if err != nil {
				continue // a folder, or what kustomize reports
			}
			text = string(data)
		}
		if strings.Contains(text, "://") {
			failures = append(failures, fault.New(fault.Invalid, "%s: a generator or transformer names a URL, and nothing is fetched while rendering", dir))
		}
	}
	return failures
}

// remote reports what kustomize would fetch.
func remote(resource string) bool {
	return strings.Contains(resource, "://") || strings.Contains(resource, "?ref=") || strings.HasPrefix(resource, "git@") ||
		strings.HasPrefix(resource, "git::") || strings.HasPrefix(resource, "github.com/") || strings.HasPrefix(resource, "gitlab.com/") ||
		strings.HasPrefix(resource, "bitbucket.org/") || strings.Contains(resource, ".git//") || strings.HasSuffix(resource, ".git")
}
