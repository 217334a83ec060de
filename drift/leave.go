package drift

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// LeaveToLive returns what to apply in the place of desired so that fields
// which rules of users explain stay what they are in live: they are left out,
// and whoever owns them keeps them. Where that would take a value away,
// because only we own it or because it is part of one that is owned as a
// whole, the live value is sent. It is nil where desired will do.
func LeaveToLive(desired, live *unstructured.Unstructured, verdict Object) *unstructured.Unstructured {
	if desired == nil || live == nil || desired.GetAPIVersion() != live.GetAPIVersion() {
		return nil
	}
	var left []ignore.Left
	for _, f := range verdict.Fields {
		users := slices.ContainsFunc(verdict.Rules, func(h ignore.Hit) bool { return h.Rule == f.Rule })
		if f.Class != Expected || !users || f.Live == nil {
			continue
		}
		ours := f.Manager == object.FieldManager && f.Operation == "Apply"
		if f.Desired != nil || ours || f.Atomic {
			left = append(left, ignore.Left{Path: f.Path, Copy: ours || f.Atomic, Added: f.Desired == nil})
		}
	}
	if len(left) == 0 {
		return nil
	}
	want, have := desired.Object, live.Object
	if verdict.Kind == "Secret" && verdict.Group == "" {
		want, have = encodeSecret(want), encodeSecret(have)
	}
	return &unstructured.Unstructured{Object: ignore.LeaveToLive(want, have, left)}
}
