package lifecycle

import (
	"errors"
	"fmt"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/ignore"
	"github.com/trueup-dev/trueup/appset/param"
	"github.com/trueup-dev/trueup/appset/rollout"
	"github.com/trueup-dev/trueup/internal/fault"
)

// CheckSettings reports all that is wrong with what a set says beside its
// generators and its template, each with its place, as
// spec.strategy.type: .... With such a set nothing may be done.
func CheckSettings(set *v1alpha1.ApplicationSet) error {
	_, err := settings(set)
	return err
}

// CheckApplication reports a destination that no application can have.
func CheckApplication(app *v1alpha1.Application) error { return check(app, Known{}) }

func settings(set *v1alpha1.ApplicationSet) (ignore.Rules, error) {
	var failures []error
	switch v := param.Version(set.Spec.YAMLVersion); v {
	case "", param.V11, param.V12:
	default:
		failures = append(failures, fault.New(fault.Invalid, "spec.yamlVersion: %q is neither %s nor %s", v, param.V11, param.V12))
	}
	if p := set.Spec.SyncPolicy; p != nil {
		var own Agent
		if p.ApplicationsSync != nil {
			own.Policy = *p.ApplicationsSync
		}
		failures = append(failures, at("spec.syncPolicy.applicationsSync", own.Check()))
		if b := p.DeletionBudget; b != nil {
			failures = append(failures, at("spec.syncPolicy.deletionBudget.count", Agent{Budget: v1alpha1.DeletionBudget{Count: b.Count}}.Check()),
				at("spec.syncPolicy.deletionBudget.percent", Agent{Budget: v1alpha1.DeletionBudget{Percent: b.Percent}}.Check()))
		}
	}
	failures = append(failures, rollout.Check(set.Spec.Strategy))
	ignores, err := ignore.Compile(set.Spec.IgnoreApplicationDifferences)
	return ignores, errors.Join(append(failures, err)...)
}

func at(place string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", place, err)
}
