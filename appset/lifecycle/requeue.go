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
	var out time.Duration
	for i := range set.Spec.Generators {
		g := &set.Spec.Generators[i]
		shorter(&out, leaf(g.SCMProvider, g.PullRequest, g.ClusterDecisionResource, g.Plugin))
		if g.Matrix != nil {
			nested(&out, g.Matrix.Generators)
		}
		if g.Merge != nil {
			nested(&out, g.Merge.Generators)
		}
	}
	return out
}

func nested(out *time.Duration, all []v1alpha1.ApplicationSetNestedGenerator) {
	for i := range all {
		g := &all[i]
		shorter(out, leaf(g.SCMProvider, g.PullRequest, g.ClusterDecisionResource, g.Plugin))
		if g.Matrix != nil {
			var m v1alpha1.MatrixGenerator
			if json.Unmarshal(g.Matrix.Raw, &m) == nil { // what cannot be read is told by the expansion
				nested(out, m.Generators)
			}
		}
		if g.Merge != nil {
			var m v1alpha1.MergeGenerator
			if json.Unmarshal(g.Merge.Raw, &m) == nil {
				nested(out, m.Generators)
			}
		}
	}
}

func leaf(scm *v1alpha1.SCMProviderGenerator, pr *v1alpha1.PullRequestGenerator, decision *v1alpha1.DuckTypeGenerator, plugin *v1alpha1.PluginGenerator) time.Duration {
	switch {
	case scm != nil:
		return interval(scm.RequeueAfterSeconds, AskForges)
	case pr != nil:
		return interval(pr.RequeueAfterSeconds, AskForges)
	case decision != nil:
		return interval(decision.RequeueAfterSeconds, AskDecisions)
	case plugin != nil:
		return interval(plugin.RequeueAfterSeconds, AskForges)
	}
	return 0
}

func interval(seconds *int64, otherwise time.Duration) time.Duration {
	if seconds == nil || *seconds <= 0 {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}

func shorter(out *time.Duration, than time.Duration) {
	if than > 0 && (*out == 0 || than < *out) {
		*out = than
	}
}
