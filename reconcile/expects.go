package reconcile

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/revert"
)

// Expects is what users say of one application may differ.
type Expects struct {
	// Rules are those of the application, of its acceptances, and of all
	// applications; nil is none.
	Rules     *ignore.Set
	respected bool
}

// Expects reads what may differ of an application.
func (f *Flow) Expects(ctx context.Context, app *v1alpha1.Application) (Expects, error) {
	book, err := f.rulesOf(ctx, app, &Memory{})
	return Expects{book.set, book.respected}, err
}

// RemovesUndeclared reports that each sync of an application takes away what
// somebody added.
func RemovesUndeclared(app *v1alpha1.Application) bool {
	return reachOf(app, nil, "", Attempt{}).undeclared
}

// Applied is what a sync sends in desired's place, given how live differs:
// desired itself where nothing is left alone.
func (e Expects) Applied(desired, live *unstructured.Unstructured, verdict drift.Object) *unstructured.Unstructured {
	out, _ := revert.Apply(desired, live, verdict, func(f drift.Field) revert.Leave {
		users := slices.ContainsFunc(verdict.Rules, func(h ignore.Hit) bool { return h.Rule == f.Rule })
		return leave(f, users, e.respected)
	})
	return out
}

// leave says what a sync leaves alone of what rules explain; users tells that
// the rule is one of theirs.
func leave(f drift.Field, users, respected bool) revert.Leave {
	switch {
	case f.Class != drift.Expected || !users:
		return revert.Correct
	case isAccepted(f.Rule):
		return revert.Untouched
	case respected:
		return revert.Respect
	}
	return revert.Correct
}
