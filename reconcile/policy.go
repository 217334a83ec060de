package reconcile

import (
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// createsNamespace reports the sync option of that name.
func createsNamespace(app *v1alpha1.Application) bool {
	return app.Spec.SyncPolicy != nil && plan.Option(app.Spec.SyncPolicy.SyncOptions, "CreateNamespace") == "true"
}

// PolicyOf reads what an application's owner decided; op, where not nil, is
// what somebody asks for on top. Only a person's wish to prune confirms what
// waits for a person.
func PolicyOf(app *v1alpha1.Application, op *v1alpha1.Operation) plan.Policy {
	p := plan.Policy{Namespace: app.Spec.Destination.Namespace, CreateNamespace: createsNamespace(app)}
	if s := app.Spec.SyncPolicy; s != nil {
		p.PruneLast = plan.Option(s.SyncOptions, "PruneLast") == "true"
		if s.IsAutomated() {
			p.Prune, p.AllowEmpty = s.Automated.Prune, s.Automated.AllowEmpty
		}
		if m := s.ManagedNamespaceMetadata; m != nil {
			p.NamespaceLabels, p.NamespaceAnnotations = m.Labels, m.Annotations
		}
	}
	if op == nil || op.Sync == nil {
		return p
	}
	p.Prune = p.Prune || op.Sync.Prune
	p.PruneApproved = op.Sync.Prune && !op.InitiatedBy.Automated
	if s := app.Spec.SyncPolicy; op.InitiatedBy.Automated && s != nil && s.Automated != nil {
		p.AllowEmpty = s.Automated.AllowEmpty // the block is there, and something else says when
	}
	for _, r := range op.Sync.Resources {
		p.Only = append(p.Only, object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name})
	}
	if plan.Option(op.Sync.SyncOptions, "PruneLast") == "true" {
		p.PruneLast = true
	}
	return p
}

// situation gathers what Decide looks at.
func situation(app *v1alpha1.Application, manual bool, digest string, p plan.Plan, last Attempt) Situation {
	selfHeal, _ := heals(app)
	s := Situation{
		SelfHeal: selfHeal,
		Manual:   manual, Revision: digest, Refused: len(p.Refusals) > 0, Last: last,
		Due:   p.Count(plan.Create) + p.Count(plan.Update) + p.Count(plan.Prune) - p.Deferred(),
		Later: p.Deferred(), Automated: app.Spec.SyncPolicy.IsAutomated(),
	}
	if app.Spec.SyncPolicy != nil {
		s.Retry, s.Limit = retryOf(app.Spec.SyncPolicy.Retry)
	}
	return s
}

// retryOf reads a retry strategy; what it leaves out is DefaultRetry's.
func retryOf(r *v1alpha1.RetryStrategy) (Backoff, *int64) {
	b := DefaultRetry()
	if r == nil {
		return b, nil
	}
	if r.Backoff != nil {
		if d, err := time.ParseDuration(r.Backoff.Duration); err == nil && d > 0 {
			b.Base = d
		}
		if d, err := time.ParseDuration(r.Backoff.MaxDuration); err == nil && d > 0 {
			b.Max = d
		}
		if r.Backoff.Factor != nil {
			b.Factor = float64(*r.Backoff.Factor)
		}
	}
	if r.Limit < 0 {
		return b, nil
	}
	return b, &r.Limit
}
