package render

import (
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// check holds what engines return against what every later stage relies on,
// and sorts. Of several objects with one key the last wins.
func check(objects []*unstructured.Unstructured) ([]*unstructured.Unstructured, []string, error) {
	var failures []error
	var warnings []string
	at := map[object.Key]int{}
	var out []*unstructured.Unstructured
	for _, u := range objects {
		if err := complete(u); err != nil {
			failures = append(failures, err)
			continue
		}
		key := object.KeyOf(u)
		if i, ok := at[key]; ok && key.Name != "" {
			warnings = append(warnings, key.String()+" is described more than once; the last one counts")
			out[i] = u
			continue
		}
		at[key] = len(out)
		out = append(out, u)
	}
	slices.SortStableFunc(out, func(a, b *unstructured.Unstructured) int {
		return object.KeyOf(a).Compare(object.KeyOf(b))
	})
	return out, warnings, errors.Join(failures...)
}

func complete(u *unstructured.Unstructured) error {
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName()
	}
	switch {
	case u.GetKind() == "":
		return fault.New(fault.Invalid, "an object named %q has no kind", name)
	case u.GetAPIVersion() == "":
		return fault.New(fault.Invalid, "%s %q has no apiVersion", u.GetKind(), name)
	case name == "":
		return fault.New(fault.Invalid, "a %s has no metadata.name", u.GetKind())
	}
	return nil
}
