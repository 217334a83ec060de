package kustomize

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/render"
)

// place is where an object is declared, under the name that it has by now.
// kustomize can tell this too, at three times the price of a build: it writes
// a history of transformations into every object.
type place struct {
	header
	origin render.Origin
	hashed bool // kustomize appends a hash to the name
	fixed  bool // the namespace is its own
}

// places are those of all objects of a build, by kind and name.
type places map[[2]string][]place

func (l *layout) places(dir string) places {
	out := places{}
	for _, p := range l.declared(dir, nil, map[string][]place{}) {
		key := [2]string{p.kind, p.name}
		out[key] = append(out[key], p)
	}
	return out
}

// of finds an object by its name. One that transformers of its own gave a
// prefix or suffix is found when only one of its kind fits; one that a patch
// renamed is not found.
func (p places) of(u *unstructured.Unstructured) render.Origin {
	found := p[[2]string{u.GetKind(), u.GetName()}]
	if dash := len(u.GetName()) - 11; len(found) == 0 && dash > 0 && u.GetName()[dash] == '-' {
		found = slices.DeleteFunc(slices.Clone(p[[2]string{u.GetKind(), u.GetName()[:dash]}]), func(p place) bool { return !p.hashed })
	}
	if len(found) == 0 {
		for key, some := range p {
			if key[0] == u.GetKind() && key[1] != "" && strings.Contains("-"+u.GetName()+"-", "-"+key[1]+"-") {
				found = append(found, some...)
			}
		}
		if len(found) > 1 {
			return render.Origin{}
		}
	}
	for _, candidate := range found {
		if len(found) == 1 || candidate.namespace == u.GetNamespace() {
			return candidate.origin
		}
	}
	return render.Origin{}
}

// declared follows a build: resources, generators, components, then what the
// kustomization does to all of them. above are those that a component is laid
// over.
func (l *layout) declared(dir string, above []place, files map[string][]place) []place {
	k, ok := l.at[dir]
	if !ok {
		return above
	}
	all := slices.Clone(above)
	for _, r := range k.Resources {
		to := path.Join(dir, r)
		if _, folder := l.at[to]; folder {
			all = append(all, l.declared(to, nil, files)...)
			continue
		}
		if _, known := files[to]; !known {
			files[to] = l.declaredIn(to)
		}
		all = append(all, files[to]...)
	}
	origin := l.origin(k.name)
	for _, g := range k.ConfigMapGenerator {
		all = append(all, generated("ConfigMap", g.GeneratorArgs, origin))
	}
	for _, g := range k.SecretGenerator {
		all = append(all, generated("Secret", g.GeneratorArgs, origin))
	}
	for _, c := range k.Components {
		all = l.declared(path.Join(dir, c), all, files)
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

func generated(kind string, g types.GeneratorArgs, origin render.Origin) place {
	return place{header: header{kind: kind, name: g.Name, namespace: g.Namespace}, origin: origin, hashed: true}
}

func (l *layout) origin(file string) render.Origin {
	m, rest, err := l.files.inside(file)
	if err != nil {
		return render.Origin{}
	}
	return render.Origin{Tree: m.location(), Path: rest}
}

// declaredIn finds the objects of a file.
func (l *layout) declaredIn(file string) []place {
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
			found = append(found, header{kind: item.Object.GetKind(), name: item.Object.GetName(), namespace: item.Object.GetNamespace(), line: item.Line})
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
