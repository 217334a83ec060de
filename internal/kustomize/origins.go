package kustomize

import (
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/trueup-dev/trueup/internal/render"
)

// origins tells where the objects of a build are declared, in the build's
// order. kustomize can tell a part of it, at three times the price of a build,
// because it writes a history into every object. Instead:
//
//   - kustomize keeps its objects in the order of their declarations. When
//     there are as many as declarations, none was deleted, and the n-th object
//     is the n-th declaration's, whatever it is called by now.
//   - Otherwise names tell, when they tell of each object.
//   - Otherwise it is built once more, with a mark on each object.
func (l *layout) origins(dir string, built resmap.ResMap) []render.Origin {
	all := l.places(dir, nil, map[string][]place{})
	objects := built.Resources()
	out := make([]render.Origin, len(objects))
	if root := l.at[dir]; root.SortOptions == nil && inOrder(all, objects) {
		for i, p := range all {
			out[i] = p.origin
		}
		return out
	}
	left := named{}
	for _, p := range all {
		left.put(p)
	}
	complete := true
	for i, r := range objects {
		p, ok := left.take(r)
		out[i], complete = p.origin, complete && ok
	}
	if complete {
		return out
	}
	if again, marks := l.marked(dir); again != nil {
		return byMarks(all, objects, again.Resources(), marks)
	}
	return out
}

// inOrder reports that each object is of its place's kind.
func inOrder(all []place, objects []*resource.Resource) bool {
	if len(all) != len(objects) {
		return false
	}
	for i, r := range objects {
		if all[i].kind != r.GetKind() {
			return false
		}
	}
	return true
}

// named are places by group, kind and name.
type named map[[3]string][]place

func (n named) put(p place) {
	key := [3]string{p.group, p.kind, p.name}
	n[key] = append(n[key], p)
}

// take finds an object's place, and takes it out.
func (n named) take(r *resource.Resource) (place, bool) {
	group, name := groupOf(r.GetApiVersion()), r.GetName()
	if p, ok := n.pick([3]string{group, r.GetKind(), name}, r.GetNamespace(), false); ok {
		return p, true
	}
	const hash = len("-0123456789")
	if cut := len(name) - hash; cut > 0 && name[cut] == '-' {
		return n.pick([3]string{group, r.GetKind(), name[:cut]}, r.GetNamespace(), true)
	}
	return place{}, false
}

// pick takes the only place of a key, or the one in a namespace.
func (n named) pick(key [3]string, namespace string, hashed bool) (place, bool) {
	found := -1
	for i, p := range n[key] {
		if hashed && !p.hashed {
			continue
		}
		if len(n[key]) == 1 || p.namespace == namespace {
			found = i
			break
		}
	}
	if found < 0 {
		return place{}, false
	}
	p := n[key][found]
	n[key] = append(n[key][:found:found], n[key][found+1:]...)
	return p, true
}

// byMarks gives each object the place that its mark tells. One whose mark a
// patch has taken off has the place of its kind that is left over, if that is
// one.
func byMarks(all []place, objects, marked []*resource.Resource, marks map[string]render.Origin) []render.Origin {
	out := make([]render.Origin, len(objects))
	if len(marked) != len(objects) {
		return out
	}
	known := make([]bool, len(objects))
	used := map[render.Origin]int{}
	for i, r := range marked {
		if objects[i].GetKind() != r.GetKind() {
			continue
		}
		if out[i], known[i] = marks[r.GetAnnotations()[mark]]; known[i] {
			used[withoutTree(out[i])]++
		}
	}
	var left []place
	for _, p := range all {
		if key := withoutTree(p.origin); used[key] > 0 {
			used[key]--
			continue
		}
		left = append(left, p)
	}
	for i, r := range objects {
		if known[i] {
			continue
		}
		var fits []place
		for _, p := range left {
			if p.kind == r.GetKind() {
				fits = append(fits, p)
			}
		}
		if len(fits) == 1 {
			out[i] = fits[0].origin
		}
	}
	return out
}

// withoutTree is an origin that can be compared: a tree's location is behind a
// pointer.
func withoutTree(o render.Origin) render.Origin {
	if o.Tree != nil {
		o.Path = strings.Join([]string{o.Tree.RepoURL, o.Tree.Chart, o.Tree.Revision, o.Path}, " ")
		o.Tree = nil
	}
	return o
}
