package kustomize

import (
	"bytes"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/render"
)

// place is where an object is declared, under the name that prefixes and
// suffixes have given it by now.
type place struct {
	header
	origin render.Origin
	hashed bool // kustomize appends a hash to the name
	fixed  bool // the namespace is its own
}

// places follows a build: resources, generators, components, then what the
// kustomization does to all of them. above are those that a component is laid
// over. The order is that in which kustomize holds the objects, and nothing is
// left out: a generator that changes what another one made declares nothing.
func (l *layout) places(dir string, above []place, files map[string][]place) []place {
	k, ok := l.at[dir]
	if !ok {
		return above
	}
	all := slices.Clone(above)
	for _, r := range k.Resources {
		to := path.Join(dir, r)
		if _, folder := l.at[to]; folder {
			all = append(all, l.places(to, nil, files)...)
			continue
		}
		if _, known := files[to]; !known {
			files[to] = l.placesIn(to)
		}
		all = append(all, files[to]...)
	}
	all = append(all, l.made(k)...)
	for _, c := range k.Components {
		all = l.places(path.Join(dir, c), all, files)
	}
	for i := range all {
		if p := &all[i]; !p.unnamed() {
			p.name = k.NamePrefix + p.name + k.NameSuffix
		}
		if k.Namespace != "" && !all[i].fixed {
			all[i].namespace = k.Namespace
		}
	}
	return all
}

// unnamed reports the kinds whose names prefixes leave alone.
func (p place) unnamed() bool {
	return p.kind == "CustomResourceDefinition" || p.kind == "APIService" || p.kind == "Namespace"
}

// made are the objects of a kustomization's generators, in the order in which
// kustomize runs these.
func (l *layout) made(k *kustomization) []place {
	var out []place
	add := func(kind string, g types.GeneratorArgs, origin render.Origin) {
		if creates(g.Behavior) {
			out = append(out, place{header: header{kind: kind, name: g.Name, namespace: g.Namespace}, origin: origin, hashed: true})
		}
	}
	if len(k.ConfigMapGenerator) > 0 {
		lines := entryLines(k.text, "configMapGenerator")
		for i, g := range k.ConfigMapGenerator {
			add("ConfigMap", g.GeneratorArgs, l.entry(k, lines, i))
		}
	}
	if len(k.SecretGenerator) > 0 {
		lines := entryLines(k.text, "secretGenerator")
		for i, g := range k.SecretGenerator {
			add("Secret", g.GeneratorArgs, l.entry(k, lines, i))
		}
	}
	for _, m := range k.makers {
		out = append(out, m.makes()...)
	}
	return out
}

// creates reports a generator that makes an object of its own.
func creates(behavior string) bool {
	b := types.NewGenerationBehavior(behavior)
	return b != types.BehaviorMerge && b != types.BehaviorReplace
}

// placesIn finds the objects of a file.
func (l *layout) placesIn(file string) []place {
	data, err := l.files.content(file)
	if err != nil {
		return nil
	}
	chart, fixed := l.inflated[file]
	found, ok := headers(data)
	if !ok {
		items, err := manifest.Locate(bytes.NewReader(data), file)
		if err != nil {
			return nil
		}
		found = nil
		for _, item := range items {
			u := item.Object
			found = append(found, header{groupOf(u.GetAPIVersion()), u.GetKind(), u.GetName(), u.GetNamespace(), item.Line})
		}
	}
	var out []place
	for _, h := range found {
		origin := chart
		if !fixed {
			origin = l.origin(file)
			origin.Line = h.line
		}
		out = append(out, place{header: h, origin: origin, fixed: fixed})
	}
	return out
}
