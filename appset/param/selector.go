package param

import (
	"errors"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Selector is a label selector over flat parameters, whose values need not
// have the form of labels' values: addresses and long texts are fine.
type Selector struct{ selector metav1.LabelSelector }

// NewSelector checks a selector. Errors are of kind Invalid, all at once.
func NewSelector(s *metav1.LabelSelector) (Selector, error) {
	var failures []error
	name := func(key string) {
		if bad := validation.IsQualifiedName(key); len(bad) > 0 {
			failures = append(failures, fault.New(fault.Invalid, "the key %q: %s", key, strings.Join(bad, "; ")))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		name(key)
	}
	for _, e := range s.MatchExpressions {
		name(e.Key)
		switch e.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
			if len(e.Values) == 0 {
				failures = append(failures, fault.New(fault.Invalid, "%s of the key %q needs values", e.Operator, e.Key))
			}
		case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
			if len(e.Values) > 0 {
				failures = append(failures, fault.New(fault.Invalid, "%s of the key %q takes no values", e.Operator, e.Key))
			}
		default:
			failures = append(failures, fault.New(fault.Invalid, "%q is not an operator", e.Operator))
		}
	}
	return Selector{*s}, errors.Join(failures...)
}

// Matches tells whether a parameter set has what the selector asks for.
func (s Selector) Matches(set map[string]any) bool {
	flat := Flat(set)
	for key, want := range s.selector.MatchLabels {
		if have, ok := flat[key]; !ok || have != want {
			return false
		}
	}
	for _, e := range s.selector.MatchExpressions {
		have, ok := flat[e.Key]
		in := ok && slices.Contains(e.Values, have)
		switch e.Operator {
		case metav1.LabelSelectorOpExists: // what ok says
		case metav1.LabelSelectorOpIn:
			ok = in
		case metav1.LabelSelectorOpNotIn:
			ok = !in
		case metav1.LabelSelectorOpDoesNotExist:
			ok = !ok
		}
		if !ok {
			return false
		}
	}
	return true
}
