package drift

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/mask"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// Manifests is what two commits describe. Nothing in it is changed.
type Manifests struct {
	Before, After []*unstructured.Unstructured
	// Schemas may be nil: then the structure is guessed. CRDs among the
	// objects are used in any case.
	Schemas Schemas
	// MaskKey keys the marks that stand for secret values.
	MaskKey []byte
}

// Between tells what the change from one commit to another means, by the same
// rules as Compare: order of keyed lists, defaults and spellings of quantities
// are no change. Of each field, Desired is what After says and Live what Before
// said; the class is Declared, or Removed where After has nothing. An object is
// Missing where only After has it, Extra where only Before does. Rules of users
// do not count, and neither do the marks of ownership.
func Between(in Manifests) Report {
	s := &settings{
		schemas:   layers{definitions(Input{Desired: in.After, Live: in.Before}), in.Schemas},
		manager:   object.FieldManager,
		defaults:  schema.ServerDefaults(),
		mask:      mask.Masker{Key: in.MaskKey},
		manifests: true,
	}
	before := object.Index(valid(in.Before))
	report := Report{Objects: []Object{}}
	for key, after := range object.Index(valid(in.After)) {
		was := before[key]
		if was == nil {
			report.Objects = append(report.Objects, newObject(key, Missing))
			continue
		}
		o := s.object(key, after, was)
		if a, b := after.GetAPIVersion(), was.GetAPIVersion(); a != b {
			o.Fields = append([]Field{{Path: "apiVersion", Desired: a, Live: b, Class: Declared}}, o.Fields...)
			o.State = Modified
		}
		report.Objects = append(report.Objects, o)
		delete(before, key)
	}
	for key := range before {
		report.Objects = append(report.Objects, newObject(key, Extra))
	}
	slices.SortFunc(report.Objects, func(a, b Object) int { return a.Key().Compare(b.Key()) })
	return report
}

// Masked is an object with marks in place of secret values, and without what
// trueup adds to know its own: what a report may show of it as a whole.
func Masked(u *unstructured.Unstructured, key []byte) map[string]any {
	out := u.DeepCopy()
	unstructured.RemoveNestedField(out.Object, "metadata", "annotations", object.TrackingAnnotation)
	unstructured.RemoveNestedField(out.Object, "metadata", "labels", object.ManagedLabel)
	for _, name := range []string{"annotations", "labels"} {
		if m, ok, _ := unstructured.NestedMap(out.Object, "metadata", name); ok && len(m) == 0 {
			unstructured.RemoveNestedField(out.Object, "metadata", name)
		}
	}
	unstructured.RemoveNestedField(out.Object, "metadata", "managedFields")
	if k := object.KeyOf(u); k.Group != "" || k.Kind != "Secret" {
		return out.Object
	}
	masker := mask.Masker{Key: key}
	for _, name := range []string{"data", "stringData"} {
		if v, ok := out.Object[name]; ok {
			out.Object[name], _ = masker.Pair(v, nil)
		}
	}
	return out.Object
}
