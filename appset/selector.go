package appset

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/trueup-dev/trueup/internal/fault"
)

// loose is a label selector whose values need not have the form of labels'.
type loose struct{ selector metav1.LabelSelector }

func looseSelector(s *metav1.LabelSelector) (loose, error) {
	for _, e := range s.MatchExpressions {
		switch e.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		default:
			return loose{}, fault.New(fault.Invalid, "selector: %q is not an operator", e.Operator)
		}
	}
	return loose{*s}, nil
}

func (l loose) matches(set labels.Set) bool {
	for key, want := range l.selector.MatchLabels {
		if have, ok := set[key]; !ok || have != want {
			return false
		}
	}
	for _, e := range l.selector.MatchExpressions {
		have, ok := set[e.Key]
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

// flat gives every parameter a dotted name and a text.
func flat(p params) map[string]string {
	out := map[string]string{}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		dot := prefix
		if dot != "" {
			dot += "."
		}
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(dot+key, inner)
			}
		case map[string]string:
			for key, inner := range v {
				out[dot+key] = inner
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s%d", dot, i), inner)
			}
		default:
			out[prefix] = fmt.Sprint(v)
		}
	}
	walk("", p)
	return out
}
