package render

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// take holds what an engine returned against what every later stage relies
// on, and sorts. Of several objects with one key the last wins.
func (r *Result) take(manifests []Manifest) error {
	var failures []error
	at := map[object.Key]int{}
	r.Origins = map[object.Key]Origin{}
	for _, m := range manifests {
		if err := complete(m.Object); err != nil {
			if m.Origin.Path != "" {
				err = fmt.Errorf("%s: %w", m.Origin, err)
			}
			failures = append(failures, err)
			continue
		}
		key := object.KeyOf(m.Object)
		if i, ok := at[key]; ok && key.Name != "" {
			warning := key.String() + " is described more than once; the last one counts"
			if m.Origin.Path != "" {
				warning = fmt.Sprintf("%s (%s, then %s)", warning, r.Origins[key], m.Origin)
			}
			r.Warnings = append(r.Warnings, warning)
			r.Objects[i], r.Origins[key] = m.Object, m.Origin
			continue
		}
		at[key] = len(r.Objects)
		r.Objects = append(r.Objects, m.Object)
		if m.Origin != (Origin{}) {
			r.Origins[key] = m.Origin
		}
	}
	object.Sort(r.Objects)
	return errors.Join(failures...)
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
