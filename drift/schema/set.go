package schema

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// Set holds the types of kinds. The zero value and nil are empty sets.
type Set struct {
	kinds map[schema.GroupVersionKind]*Type
	// native kinds are stored by the server as Go structs, which lose the
	// difference between an absent and a zero field.
	native map[schema.GroupKind]bool
}

// Kind returns the type of a kind, or nil. Where the version is unknown,
// another version of the same kind answers: the highest.
func (s *Set) Kind(gvk schema.GroupVersionKind) *Type {
	if s == nil {
		return nil
	}
	if t := s.kinds[gvk]; t != nil {
		return t
	}
	var best schema.GroupVersionKind
	for k := range s.kinds {
		if k.GroupKind() == gvk.GroupKind() && (best.Version == "" || version.CompareKubeAwareVersionStrings(k.Version, best.Version) > 0) {
			best = k
		}
	}
	return s.kinds[best]
}

// Native reports a kind that the API server itself defines.
func (s *Set) Native(gk schema.GroupKind) bool {
	return s != nil && s.native[gk]
}

// With returns a set that holds the kinds of s and of the others; the later
// one wins.
func (s *Set) With(others ...*Set) *Set {
	out := &Set{kinds: map[schema.GroupVersionKind]*Type{}, native: map[schema.GroupKind]bool{}}
	for _, set := range append([]*Set{s}, others...) {
		if set == nil {
			continue
		}
		for gvk, t := range set.kinds {
			out.kinds[gvk] = t
		}
		for gk := range set.native {
			out.native[gk] = true
		}
	}
	return out
}

// Kinds lists what the set knows, sorted.
func (s *Set) Kinds() []schema.GroupVersionKind {
	if s == nil {
		return nil
	}
	out := make([]schema.GroupVersionKind, 0, len(s.kinds))
	for gvk := range s.kinds {
		out = append(out, gvk)
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionKind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	})
	return out
}
