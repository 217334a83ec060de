package preview

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
)

// Cascades reports that the objects are deleted with the application.
func (s *Side) Cascades() bool { return len(s.Finalizers) > 0 }

// settings compares what applications say of themselves.
func settings(before, after *Side) []Field {
	wrap := func(spec map[string]any) []*unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "trueup.dev/v1alpha1", "kind": "Application", "spec": spec}}
		u.SetName("spec")
		return []*unstructured.Unstructured{u}
	}
	report := drift.Between(drift.Manifests{Before: wrap(before.Spec), After: wrap(after.Spec)})
	var out []Field
	if before.Owner != "" && before.Owner != after.Owner {
		owner := Field{Path: "owner", Before: before.Owner}
		if after.Owner != "" {
			owner.After = after.Owner
		}
		out = append(out, owner)
	}
	if before.Cascades() != after.Cascades() {
		list := func(s *Side) any {
			if !s.Cascades() {
				return nil
			}
			return anyOf(s.Finalizers)
		}
		out = append(out, Field{Path: "metadata.finalizers", Before: list(before), After: list(after)})
	}
	for _, o := range report.Objects {
		out = append(out, fieldsOf(o.Fields)...)
	}
	return out
}

func anyOf(texts []string) []any {
	out := make([]any, 0, len(texts))
	for _, text := range texts {
		out = append(out, text)
	}
	return out
}
