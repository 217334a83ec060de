package rollout

import (
	"errors"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// The operators of matchExpressions.
const (
	in    = "In"
	notIn = "NotIn"
)

// StepOf is the index of the first step that an application's labels match,
// -1 where none does.
func StepOf(steps []v1alpha1.ApplicationSetRolloutStep, labels map[string]string) int {
	return slices.IndexFunc(steps, func(s v1alpha1.ApplicationSetRolloutStep) bool {
		return !slices.ContainsFunc(s.MatchExpressions, func(e v1alpha1.ApplicationMatchExpression) bool { return !matches(e, labels) })
	})
}

// matches holds one expression against labels. NotIn matches where the label
// is not there.
func matches(e v1alpha1.ApplicationMatchExpression, labels map[string]string) bool {
	value, ok := labels[e.Key]
	found := ok && slices.Contains(e.Values, value)
	return found == (e.Operator == in)
}

// Room is how many applications of a step may be updated at a time: a
// percentage is rounded down to at least 1, except for 0, which leaves the
// step to people; nil is all of them.
func Room(limit *intstr.IntOrString, of int) int {
	if limit == nil {
		return math.MaxInt
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(limit, of, false)
	if err != nil {
		return 0 // Check reports it
	}
	if limit.Type == intstr.String && limit.StrVal != "0%" {
		return max(n, 1)
	}
	return n
}

// Check reports all that is wrong with a strategy, as fault.Invalid.
func Check(strategy *v1alpha1.ApplicationSetStrategy) error {
	if strategy == nil {
		return nil
	}
	var failures []error
	bad := func(format string, args ...any) {
		failures = append(failures, fault.New(fault.Invalid, "spec.strategy."+format, args...))
	}
	switch strategy.Type {
	case "", "AllAtOnce", "RollingSync":
	default:
		bad("type: %q is neither AllAtOnce nor RollingSync", strategy.Type)
	}
	switch strategy.DeletionOrder {
	case "", "AllAtOnce", "Reverse":
	default:
		bad("deletionOrder: %q is neither AllAtOnce nor Reverse", strategy.DeletionOrder)
	}
	if strategy.RollingSync == nil {
		return errors.Join(failures...)
	}
	for i, s := range strategy.RollingSync.Steps {
		for j, e := range s.MatchExpressions {
			if e.Operator != in && e.Operator != notIn {
				bad("rollingSync.steps[%d].matchExpressions[%d].operator: %q is neither In nor NotIn", i, j, e.Operator)
			}
			if e.Key == "" {
				bad("rollingSync.steps[%d].matchExpressions[%d].key: it is empty", i, j)
			}
		}
		if s.MaxUpdate == nil {
			continue
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(s.MaxUpdate, 100, false)
		if err != nil || n < 0 || s.MaxUpdate.Type == intstr.String && n > 100 {
			bad("rollingSync.steps[%d].maxUpdate: %q is neither a number nor a percentage", i, s.MaxUpdate.String())
		}
	}
	return errors.Join(failures...)
}
