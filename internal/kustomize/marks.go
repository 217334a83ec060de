package kustomize

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/trueup-dev/trueup/internal/render"
)

// mark is the annotation by which an object is recognized in a build that
// nobody else sees.
const mark = "trueup.dev/place"

// marking puts marks on everything that a build reads objects from.
type marking struct {
	l     *layout
	marks map[string]render.Origin
}

// marked builds once more, with marks, and tells what they stand for. It gives
// nothing where that fails: a patch may insist on what annotations are there.
func (l *layout) marked(dir string) (resmap.ResMap, map[string]render.Origin) {
	m := marking{l, map[string]render.Origin{}}
	seen := maps.Clone(l.files.overlay)
	for at, k := range l.at {
		for _, r := range k.Resources {
			to := path.Join(at, r)
			if _, folder := l.at[to]; !folder {
				m.file(to, seen)
			}
		}
		m.kustomization(k, seen)
	}
	shown := l.files.overlay
	l.files.overlay = seen
	l.files.anew()
	defer func() { l.files.overlay = shown }()
	built, err := l.build(dir)
	if err != nil {
		return nil, nil
	}
	return built, m.marks
}

func (m marking) next(origin render.Origin) string {
	id := strconv.Itoa(len(m.marks))
	m.marks[id] = origin
	return id
}

// file marks the objects of a file.
func (m marking) file(name string, seen map[string][]byte) {
	data, err := m.l.files.content(name)
	if err != nil {
		return
	}
	all, err := m.l.parse(data)
	if err != nil {
		return
	}
	places := m.l.placesIn(name)
	var texts []string
	for i, r := range all.Resources() {
		origin := m.l.origin(name)
		if len(places) == all.Size() {
			origin = places[i].origin
		}
		annotations := r.GetAnnotations()
		annotations[mark] = m.next(origin)
		if r.SetAnnotations(annotations) != nil {
			return
		}
		text, err := r.AsYAML()
		if err != nil {
			return
		}
		texts = append(texts, string(text))
	}
	seen[name] = []byte(strings.Join(texts, "---\n"))
}

// kustomization marks what generators make.
func (m marking) kustomization(k *kustomization, seen map[string][]byte) {
	marked := *k.Kustomization
	marked.ConfigMapGenerator, marked.SecretGenerator = slices.Clone(k.ConfigMapGenerator), slices.Clone(k.SecretGenerator)
	places := m.l.made(k)
	put := func(g *types.GeneratorArgs) {
		if !creates(g.Behavior) {
			return
		}
		o := types.GeneratorOptions{}
		if g.Options != nil {
			o = *g.Options
		}
		o.Annotations = maps.Clone(o.Annotations)
		if o.Annotations == nil {
			o.Annotations = map[string]string{}
		}
		o.Annotations[mark] = m.next(places[0].origin)
		g.Options, places = &o, places[1:]
	}
	for i := range marked.ConfigMapGenerator {
		put(&marked.ConfigMapGenerator[i].GeneratorArgs)
	}
	for i := range marked.SecretGenerator {
		put(&marked.SecretGenerator[i].GeneratorArgs)
	}
	marked.Generators = nil
	for _, maker := range k.makers {
		marked.Generators = append(marked.Generators, m.maker(maker))
	}
	if data, err := json.Marshal(marked); err == nil {
		seen[k.name] = data
	}
}

// maker is the text of a generator's configuration with a mark.
func (m marking) maker(g maker) string {
	r := g.config
	if makes := g.makes(); len(makes) == 1 && makes[0].hashed {
		r = &resource.Resource{RNode: *r.Copy()}
		if r.PipeE(yaml.LookupCreate(yaml.MappingNode, "options", "annotations"),
			yaml.SetField(mark, yaml.NewStringRNode(m.next(g.origin)))) != nil {
			r = g.config
		}
	}
	text, _ := r.AsYAML() // it was read as YAML
	return string(text)
}
