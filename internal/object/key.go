package object

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Key identifies an object in one cluster, whatever API version it is read at.
type Key struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// KeyOf reads the identity of an object.
func KeyOf(u *unstructured.Unstructured) Key {
	gvk := u.GroupVersionKind()
	return Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}
}

// GroupKind is the kind without the instance.
func (k Key) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: k.Group, Kind: k.Kind}
}

// IsSecret reports an object whose values nobody may read.
func (k Key) IsSecret() bool { return k.Group == "" && k.Kind == "Secret" }

// String reads "apps/Deployment shop/web"; the group is left out for the core
// group and the namespace for cluster-scoped objects.
func (k Key) String() string {
	s := k.Kind + " "
	if k.Group != "" {
		s = k.Group + "/" + s
	}
	if k.Namespace != "" {
		s += k.Namespace + "/"
	}
	return s + k.Name
}

// Short reads "Deployment shop/web": for people, where the group adds nothing.
func (k Key) Short() string {
	k.Group = ""
	return k.String()
}

// Compare orders keys by namespace, kind, name and group, the order in which
// reports list objects.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		cmp.Compare(k.Namespace, o.Namespace),
		cmp.Compare(k.Kind, o.Kind),
		cmp.Compare(k.Name, o.Name),
		cmp.Compare(k.Group, o.Group),
	)
}

// Less reports whether k sorts before o.
func (k Key) Less(o Key) bool { return k.Compare(o) < 0 }

// Sort orders objects by key, in place.
func Sort(objects []*unstructured.Unstructured) {
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		return KeyOf(a).Compare(KeyOf(b))
	})
}

// Index maps objects by key. Where two share one, the later wins.
func Index(objects []*unstructured.Unstructured) map[Key]*unstructured.Unstructured {
	index := make(map[Key]*unstructured.Unstructured, len(objects))
	for _, u := range objects {
		index[KeyOf(u)] = u
	}
	return index
}
