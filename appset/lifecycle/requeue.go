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

// Asks says what makes a set be expanded anew.
type Asks struct {
	// Every is the shortest time of its generators; 0 is never. Lists and
	// clusters are watched, Git repositories are polled once for everybody.
	Every time.Duration
	// Clusters says that it depends on the clusters that are registered.
	Clusters bool
}

// AsksOf looks at the generators of a set, at any depth.
func AsksOf(set *v1alpha1.ApplicationSet) Asks {
	var out Asks
	for i := range set.Spec.Generators {
		g := &set.Spec.Generators[i]
		one := v1alpha1.ApplicationSetNestedGenerator{
			Clusters: g.Clusters, SCMProvider: g.SCMProvider, PullRequest: g.PullRequest, ClusterDecisionResource: g.ClusterDecisionResource, Plugin: g.Plugin,
		}
		out.leaf(&one)
		if g.Matrix != nil {
			out.nested(g.Matrix.Generators)
		}
		if g.Merge != nil {
			out.nested(g.Merge.Generators)
		}
	}
	return out
}

func (a *Asks) nested(all []v1alpha1.ApplicationSetNestedGenerator) {
	for i := range all {
		a.leaf(&all[i])
		if m := all[i].Matrix; m != nil {
			var inner v1alpha1.MatrixGenerator
			if json.Unmarshal(m.Raw, &inner) == nil { // what cannot be read is told by the expansion
				a.nested(inner.Generators)
			}
		}
		if m := all[i].Merge; m != nil {
			var inner v1alpha1.MergeGenerator
			if json.Unmarshal(m.Raw, &inner) == nil {
				a.nested(inner.Generators)
			}
		}
	}
}

func (a *Asks) leaf(g *v1alpha1.ApplicationSetNestedGenerator) {
	if g.SCMProvider != nil {
		a.every(g.SCMProvider.RequeueAfterSeconds, AskForges)
	}
	if g.PullRequest != nil {
		a.every(g.PullRequest.RequeueAfterSeconds, AskForges)
	}
	if g.Plugin != nil {
		a.every(g.Plugin.RequeueAfterSeconds, AskForges)
	}
	if g.ClusterDecisionResource != nil {
		a.every(g.ClusterDecisionResource.RequeueAfterSeconds, AskDecisions)
	}
	a.Clusters = a.Clusters || g.Clusters != nil || g.ClusterDecisionResource != nil
}

func (a *Asks) every(seconds *int64, otherwise time.Duration) {
	wait := otherwise
	if seconds != nil && *seconds > 0 {
		wait = time.Duration(*seconds) * time.Second
	}
	if a.Every == 0 || wait < a.Every {
		a.Every = wait
	}
}
