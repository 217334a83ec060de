package kustomize

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Charts renders charts as "helm template" does. Origins are those in the
// chart's tree.
type Charts interface {
	Inflate(ctx context.Context, c render.Chart) ([]render.Manifest, error)
}

// chartOf is an entry and the folder that holds charts.
type chartOf struct {
	types.HelmChart
	home string
}

// charts inflates a kustomization's charts and returns the resources that
// stand for them.
func (l *layout) charts(k *kustomization, namespace string) []string {
	home := ""
	if k.HelmGlobals != nil {
		home = k.HelmGlobals.ChartHome
	}
	var all []chartOf
	for _, c := range k.HelmCharts {
		all = append(all, chartOf{c, home})
	}
	all = append(all, k.more...)
	if len(all) == 0 {
		return nil
	}
	if l.options.Charts == nil {
		l.fail(k, "helmCharts are off; the operator turns them on with --enable-helm, or make the chart an application of its own")
		return nil
	}
	var out []string
	for _, c := range all {
		if c.Namespace == "" {
			c.Namespace, k.inherits = namespace, true
		}
		entries, err := l.inflate(k, c)
		if err != nil {
			l.failed(k, fmt.Errorf("the chart %s: %w", c.Name, err))
		}
		out = append(out, entries...)
	}
	return out
}

// inflate puts each object of a chart into a file of its own, so that it can
// be told afterwards where it comes from.
func (l *layout) inflate(k *kustomization, c chartOf) ([]string, error) {
	switch {
	case c.Name == "" || strings.ContainsAny(c.Name, "/\\") || c.Name == "..":
		return nil, fault.New(fault.Invalid, "want a name without a path")
	case c.ReleaseName != "" && c.NameTemplate != "":
		return nil, fault.New(fault.Invalid, "it has a releaseName and a nameTemplate; want one of them")
	}
	m, dir, err := l.chart(k, c)
	if err != nil {
		return nil, err
	}
	values, err := l.values(k, c, path.Join(m.root, dir))
	if err != nil {
		return nil, err
	}
	o := types.HelmChart{}
	if spec := l.req.Source.Kustomize; spec != nil {
		o.KubeVersion, o.ApiVersions = spec.KubeVersion, spec.APIVersions
	}
	if len(c.ApiVersions) > 0 {
		o.ApiVersions = c.ApiVersions
	}
	manifests, err := l.options.Charts.Inflate(l.files.ctx, render.Chart{
		Tree: m.tree, Path: dir, Release: cmp.Or(c.ReleaseName, "release-name"), NameTemplate: c.NameTemplate, Namespace: c.Namespace,
		Values: values, IncludeCRDs: c.IncludeCRDs, SkipTests: c.SkipTests, SkipHooks: c.SkipHooks,
		KubeVersion: cmp.Or(c.KubeVersion, o.KubeVersion), APIVersions: o.ApiVersions,
		Capabilities: l.req.Capabilities, More: l.req.More, Live: l.req.Live, Warn: l.req.Warn,
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, made := range manifests {
		name := fmt.Sprintf("%schart-%d.json", mountFolder, len(l.inflated))
		// By this mark kustomize leaves the namespace alone: the chart was
		// told it.
		object := made.Object.DeepCopy()
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[konfig.HelmGeneratedAnnotation] = "true"
		object.SetAnnotations(annotations)
		data, err := json.Marshal(object.Object)
		if err != nil {
			return nil, err
		}
		l.files.overlay[name] = data
		if made.Origin.Tree == nil {
			made.Origin.Tree = m.location()
		}
		l.inflated[name] = made.Origin
		out = append(out, relative(k.dir, name))
	}
	return out, nil
}

// chart finds a chart in the tree, where kustomize looks for it, or fetches
// it.
func (l *layout) chart(k *kustomization, c chartOf) (mount, string, error) {
	home := path.Join(cmp.Or(c.home, types.HelmDefaultHome), c.Name)
	if c.Version != "" && c.Repo != "" {
		home = path.Join(cmp.Or(c.home, types.HelmDefaultHome), c.Name+"-"+c.Version, c.Name)
	}
	at, err := l.within(k.dir, home)
	if err != nil {
		return mount{}, "", fmt.Errorf("chartHome: %w", err)
	}
	if l.files.IsDir(at) {
		m, dir, err := l.files.inside(at)
		return m, dir, err
	}
	switch {
	case c.Repo == "":
		return mount{}, "", fault.New(fault.Missing, "it has no repo, and %s is not there", home)
	case l.req.More == nil:
		return mount{}, "", fault.New(fault.Invalid, "%s is not there, and nothing is fetched; commit the chart", home)
	}
	// A registry has no scheme where a chart is named.
	location := snapshot.Location{RepoURL: strings.TrimSuffix(strings.TrimPrefix(c.Repo, "oci://"), "/"), Chart: c.Name, Revision: c.Version}
	if c.Version == "" && c.Devel {
		location.Revision = ">0.0.0-0"
	}
	m, err := l.mount(location)
	if err != nil {
		return mount{}, "", err
	}
	for _, dir := range []string{".", c.Name} {
		if l.files.Exists(path.Join(m.root, dir, "Chart.yaml")) {
			return m, dir, nil
		}
	}
	return mount{}, "", fault.New(fault.Invalid, "%s holds no Chart.yaml", m.title())
}

// values are those of the file or the chart, merged with the inline ones, then
// those of additional files over them.
func (l *layout) values(k *kustomization, c chartOf, chart string) (map[string]any, error) {
	if !slices.Contains([]string{"", "override", "merge", "replace"}, c.ValuesMerge) {
		return nil, fault.New(fault.Invalid, "valuesMerge: want merge, override or replace, not %q", c.ValuesMerge)
	}
	values := c.ValuesInline
	if c.ValuesMerge != "replace" || len(values) == 0 {
		file, err := l.valuesFile(k, c.ValuesFile, path.Join(chart, "values.yaml"))
		if err != nil {
			return nil, err
		}
		if values, err = mergeInline(file, c); err != nil {
			return nil, err
		}
	}
	for _, name := range c.AdditionalValuesFiles {
		file, err := l.valuesFile(k, name, "")
		if err != nil {
			return nil, err
		}
		more, err := toMap(file)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: %w", name, err)
		}
		values = over(values, more)
	}
	return values, nil
}

// valuesFile reads a file beside the kustomization, or the default, which may
// be absent.
func (l *layout) valuesFile(k *kustomization, name, fallback string) (*yaml.RNode, error) {
	at := fallback
	if name != "" {
		if fetched(name) {
			return nil, fault.New(fault.Invalid, "%s is a file on a web server; copy it into the repository", shown(name))
		}
		var err error
		if at, err = l.within(k.dir, name); err != nil {
			return nil, err
		}
	}
	data, err := l.files.ReadFile(at)
	if name == "" && errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(data)) == "" {
		return yaml.NewMapRNode(nil), nil
	}
	if err != nil {
		return nil, err
	}
	node, err := yaml.Parse(string(data))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", cmp.Or(name, "values.yaml"), err)
	}
	return node, node.DeAnchor()
}

// mergeInline merges as kustomize does; the inline values win, but with merge.
func mergeInline(file *yaml.RNode, c chartOf) (map[string]any, error) {
	if len(c.ValuesInline) == 0 {
		return toMap(file)
	}
	inline, err := yaml.FromMap(c.ValuesInline)
	if err != nil {
		return nil, err
	}
	winner, other := inline, file
	if c.ValuesMerge == "merge" {
		winner, other = file, inline
	}
	var merged *yaml.RNode
	err = schema.during(false, func() (err error) {
		merged, err = merge2.Merge(winner, other, yaml.MergeOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return toMap(merged)
}

func toMap(node *yaml.RNode) (map[string]any, error) {
	if yaml.IsMissingOrNull(node) {
		return map[string]any{}, nil
	}
	return node.Map()
}

// over lays values over others, as a further --values does.
func over(below, above map[string]any) map[string]any {
	out := make(map[string]any, len(below)+len(above))
	for key, value := range below {
		out[key] = value
	}
	for key, value := range above {
		was, isMap := out[key].(map[string]any)
		if is, ok := value.(map[string]any); ok && isMap {
			value = over(was, is)
		}
		out[key] = value
	}
	return out
}
