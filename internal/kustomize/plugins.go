package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/render"
)

// plugin is what stands for an entry of generators, transformers or
// validators: the name of a file, or text.
type plugin struct {
	text   string
	inline bool
	makers []maker
}

// maker is a configuration and where it stands.
type maker struct {
	config *resource.Resource
	origin render.Origin
}

// plugins checks entries of generators, transformers and validators. Built-in
// ones read files by themselves, so that they are looked into; others are
// refused by kustomize. A folder stands for the files in it. The
// configurations are in the order in which kustomize runs them: those that
// stand in the kustomization come first.
func (l *layout) plugins(k *kustomization, field string, entries []string) ([]string, []maker) {
	if len(entries) == 0 {
		return nil, nil
	}
	var all []plugin
	lines := entryLines(k.text, field)
	for i, entry := range entries {
		if err := bounded([]byte(entry), nodes([]byte(entry))); err != nil {
			l.fail(k, "a generator or transformer: %w", err)
			continue
		}
		if configs, err := l.parse([]byte(entry)); err == nil { // so that kustomize takes it for one
			origins := slices.Repeat([]render.Origin{l.entry(k, lines, i)}, configs.Size())
			all = append(all, l.configs(k, plugin{text: entry, inline: true}, configs, origins)...)
			continue
		}
		if strings.ContainsAny(entry, "\n{") { // which may hold values of a Secret
			l.fail(k, "%s[%d] is neither YAML with a kind and a name nor a file", field, i)
			continue
		}
		to, err := l.resolve(k, entry)
		if err != nil {
			l.failed(k, err)
			continue
		}
		all = append(all, l.pluginsAt(k, to, 0)...)
	}
	var texts []string
	var makers, later []maker
	for _, p := range all {
		texts = append(texts, p.text)
		if p.inline {
			makers = append(makers, p.makers...)
		} else {
			later = append(later, p.makers...)
		}
	}
	return texts, append(makers, later...)
}

// parse reads resources as kustomize does, which looks into the schema.
func (l *layout) parse(data []byte) (all resmap.ResMap, err error) {
	err = schema.during(false, func() (err error) {
		all, err = l.factory.NewResMapFromBytes(data)
		return err
	})
	return all, err
}

// pluginsAt is plugins for a file or a folder.
func (l *layout) pluginsAt(k *kustomization, at string, level int) []plugin {
	info, err := l.files.stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fail(k, "%s is not there", l.files.title(at))
		return nil
	case err != nil:
		l.failed(k, err)
		return nil
	case info.IsDir():
		return l.pluginFolder(k, at, level)
	}
	l.weigh(k, at)
	data, err := l.files.ReadFile(at)
	if err != nil {
		l.failed(k, err)
		return nil
	}
	configs, err := l.parse(data)
	if err != nil {
		l.fail(k, "%s: %w", l.files.title(at), err)
		return nil
	}
	origins := slices.Repeat([]render.Origin{l.origin(at)}, configs.Size())
	if places := l.placesIn(at); len(places) == len(origins) {
		for i, p := range places {
			origins[i] = p.origin
		}
	}
	return l.configs(k, plugin{text: relative(k.dir, at)}, configs, origins)
}

// pluginFolder takes a folder whose kustomization lists resources and nothing
// else. One that changes them could write a URL that nobody saw before.
func (l *layout) pluginFolder(k *kustomization, dir string, level int) []plugin {
	if level > maxLevels {
		l.fail(k, "folders of generators or transformers refer to each other more than %d deep", maxLevels)
		return nil
	}
	sub, err := l.load(dir)
	if err != nil {
		l.failed(k, err)
		return nil
	}
	plain := types.Kustomization{TypeMeta: sub.TypeMeta, MetaData: sub.MetaData, Resources: sub.Resources}
	want, errWant := yaml.Marshal(plain)
	got, errGot := yaml.Marshal(sub.Kustomization)
	if errWant != nil || errGot != nil || string(want) != string(got) {
		l.fail(k, "%s: a folder of generators or transformers may have resources, and nothing that changes them", l.files.title(sub.name))
		return nil
	}
	var out []plugin
	for _, r := range sub.Resources {
		to, err := l.resolve(sub, r)
		if err != nil {
			l.failed(sub, err)
			continue
		}
		out = append(out, l.pluginsAt(k, to, level+1)...)
	}
	return out
}

// configs checks configurations and returns what stands for them: the entry,
// or text without those that inflate charts, which become the kustomization's
// charts.
func (l *layout) configs(k *kustomization, entry plugin, all resmap.ResMap, origins []render.Origin) []plugin {
	for i, r := range all.Resources() {
		if r.GetApiVersion() == "builtin" && r.GetKind() == "HelmChartInflationGenerator" {
			l.chartConfig(k, r)
			continue
		}
		entry.makers = append(entry.makers, maker{r, origins[i]})
		if generates(r.GetKind()) {
			l.checkGenerator(k, r)
			continue
		}
		object, err := r.Map()
		if err != nil {
			l.failed(k, err)
			continue
		}
		l.checkConfig(k, r.GetKind(), "", object)
	}
	if len(entry.makers) == all.Size() {
		return []plugin{entry}
	}
	var out []plugin
	for _, m := range entry.makers {
		text, err := m.config.AsYAML()
		if err != nil {
			l.failed(k, err)
		}
		out = append(out, plugin{text: string(text), inline: true, makers: []maker{m}})
	}
	return out
}

// makes are the objects that a built-in generator makes.
func (m maker) makes() []place {
	config, err := m.config.Map()
	if err != nil {
		return nil
	}
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(config, path...) // of another type, kustomize tells
		return s
	}
	name, namespace := m.config.GetName(), m.config.GetNamespace()
	switch kind := strings.TrimSuffix(m.config.GetKind(), "Generator"); kind {
	case "ConfigMap", "Secret":
		if !creates(text("behavior")) {
			return nil
		}
		return []place{{header: header{kind: kind, name: name, namespace: namespace}, origin: m.origin, hashed: true}}
	case "IAMPolicy":
		return []place{{
			header: header{kind: "ServiceAccount", name: text("serviceAccount", "name"), namespace: text("serviceAccount", "namespace")},
			origin: m.origin,
		}}
	}
	return nil
}

func (l *layout) chartConfig(k *kustomization, r *resource.Resource) {
	text, err := r.AsYAML()
	if err != nil {
		l.failed(k, err)
		return
	}
	var c struct {
		types.HelmGlobals
		types.HelmChart
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		l.fail(k, "HelmChartInflationGenerator %s: %w", r.GetName(), err)
		return
	}
	k.more = append(k.more, chartOf{c.HelmChart, c.ChartHome})
}

// fileKeys are the fields in which built-in plugins name files. They are read
// by a decoder that takes capitals for small letters.
func fileKeys() []string { return []string{"path", "paths", "files", "env", "envs", "targetfilepath"} }

// checkConfig looks at every text below a field that names files.
func (l *layout) checkConfig(k *kustomization, kind, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			l.checkConfig(k, kind, strings.ToLower(name), v[name])
		}
	case []any:
		for _, below := range v {
			l.checkConfig(k, kind, key, below)
		}
	case string:
		if slices.Contains(fileKeys(), key) && !strings.Contains(v, "\n") {
			l.checkFile(k, fmt.Sprintf("%s: %s", kind, key), v)
		}
	}
}
