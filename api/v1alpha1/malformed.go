package v1alpha1

import (
	"encoding/json"
	"errors"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/trueup-dev/trueup/api/misfit"
)

// ApplicationSetDocument is an application set that decodes as written, or not
// at all.
type ApplicationSetDocument ApplicationSet

// UnmarshalJSON takes what the API server has, whatever it is: a cluster's
// schema leaves templates and nested generators open, and one set that cannot
// be read must not keep a list or a watch of all the others from being read.
// Such a set says why in Malformed; the fields of its spec that can be read are
// there, the others are not.
func (s *ApplicationSet) UnmarshalJSON(data []byte) error {
	var whole ApplicationSetDocument
	if strict, err := kjson.UnmarshalStrict(data, &whole); err == nil {
		*s = ApplicationSet(whole)
		s.Unknown = unknown(strict)
		return nil
	}
	var parts map[string]json.RawMessage
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &parts); err != nil {
		return err
	}
	var why []string
	for _, m := range misfit.Of[ApplicationSetDocument](data) {
		why = append(why, m.Error())
	}
	var out ApplicationSetDocument
	spec := parts["spec"]
	delete(parts, "spec")
	rest, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	// Metadata that cannot be read is no object of Kubernetes' at all.
	if err := kjson.UnmarshalCaseSensitivePreserveInts(rest, &out); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if kjson.UnmarshalCaseSensitivePreserveInts(spec, &fields) == nil {
		for name, value := range fields {
			one, err := json.Marshal(map[string]json.RawMessage{name: value})
			if err != nil {
				return err
			}
			if kjson.UnmarshalCaseSensitivePreserveInts(one, new(ApplicationSetSpec)) == nil {
				if err := kjson.UnmarshalCaseSensitivePreserveInts(one, &out.Spec); err != nil {
					return err
				}
			}
		}
	}
	*s = ApplicationSet(out)
	s.Malformed = strings.Join(why, "; ")
	return nil
}

// unknown are the fields of the spec that strict errors are about.
func unknown(strict []error) []string {
	var out []string
	for _, err := range strict {
		var field kjson.FieldError
		if errors.As(err, &field) && strings.HasPrefix(field.FieldPath(), "spec.") {
			out = append(out, field.FieldPath())
		}
	}
	return out
}
