package revert

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/internal/object"
)

// Leave says what a sync does about one difference.
type Leave int

// The closed set of answers.
const (
	Correct   Leave = iota // what Git says is applied
	Respect                // what live has stays; what live lacks is applied
	Untouched              // live stays as it is, also where it lacks something
)

// Apply returns what to apply in the place of desired so that differences stay
// in live as leave says. It is desired itself where nothing is to be left.
// False means that the two are not of one API version, and that what is to
// stay cannot be told.
func Apply(desired, live *unstructured.Unstructured, verdict drift.Object, leave func(drift.Field) Leave) (*unstructured.Unstructured, bool) {
	if desired == nil || live == nil {
		return desired, true
	}
	var left []ignore.Left
	for _, f := range verdict.Fields {
		how := leave(f)
		if how == Correct {
			continue
		}
		if f.Live == nil {
			if how == Untouched {
				left = append(left, ignore.Left{Path: f.Path, Gone: true})
			}
			continue
		}
		ours := f.Manager == object.FieldManager && f.Operation == "Apply"
		if f.Desired != nil || ours || f.Atomic {
			left = append(left, ignore.Left{Path: f.Path, Copy: ours || f.Atomic, Added: f.Desired == nil})
		}
	}
	if len(left) == 0 {
		return desired, true
	}
	if desired.GetAPIVersion() != live.GetAPIVersion() {
		return desired, false
	}
	return &unstructured.Unstructured{Object: ignore.LeaveToLive(drift.AsStored(desired), drift.AsStored(live), left)}, true
}
