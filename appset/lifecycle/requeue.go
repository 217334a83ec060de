package lifecycle

import (
	"encoding/json"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// How often a generator is asked that nothing tells of changes, where it does
// not say.
const (
	AskForges    = 30 * time.Minute
	AskDecisions = 3 * time.Minute
)

// Requeue is when a set has to be expanded again although nothing happens: the
// shortest time of its generators, at any depth; 0 is never. Lists and
// clusters are watched, Git repositories are polled once for everybody.
func Requeue(set *v1alpha1.ApplicationSet) time.Duration {
	var out shortest
	for i := range set.Spec.Generators {
		g := &set.Spec.Generators[i]
		out.leaf(&v1alpha1.ApplicationSetNestedGenerator{
			SCMProvider: g.SCMProvider, PullRequest: g.PullRequest, ClusterDecisionResource: g.ClusterDecisionResource, Plugin: g.Plugin,
		})
		if g.Matrix != nil {
			out.nested(g.Matrix.Generators)
		}
		if g.Merge != nil {
			out.nested(g.Merge.Generators)
		}
	}
	return time.Duration(out)
}

type shortest time.Duration

func (s *shortest) nested(all []v1alpha1.ApplicationSetNestedGenerator) {
	for i := range all {
		s.leaf(&all[i])
		if m := all[i].Matrix; m != nil {
			var inner v1alpha1.MatrixGenerator
			if json.Unmarshal(m.Raw, &inner) == nil { // what cannot be read is told by the expansion
				s.nested(inner.Generators)
			}
		}
		if m := all[i].Merge; m != nil {
			var inner v1alpha1.MergeGenerator
			if json.Unmarshal(m.Raw, &inner) == nil {
				s.nested(inner.Generators)
			}
		}
	}
}

func (s *shortest) leaf(g *v1alpha1.ApplicationSetNestedGenerator) {
	if g.SCMProvider != nil {
		s.than(g.SCMProvider.RequeueAfterSeconds, AskForges)
	}
	if g.PullRequest != nil {
		s.than(g.PullRequest.RequeueAfterSeconds, AskForges)
	}
	if g.Plugin != nil {
		s.than(g.Plugin.RequeueAfterSeconds, AskForges)
	}
	if g.ClusterDecisionResource != nil {
		s.than(g.ClusterDecisionResource.RequeueAfterSeconds, AskDecisions)
	}
}

func (s *shortest) than(seconds *int64, otherwise time.Duration) {
	wait := shortest(otherwise)
	switch {
	case seconds == nil || *seconds < 0:
	case *seconds == 0:
		return // never: the forge tells by webhooks
	default:
		wait = shortest(time.Duration(*seconds) * time.Second)
	}
	if *s == 0 || wait < *s {
		*s = wait
	}
}
