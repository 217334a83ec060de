package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/filter"
)

// answers adds to those of an expansion how many applications came of each
// generator at the top whose own answers do not tell that, because selectors
// or other generators are between. They can be trusted: what they depend on is
// among the others.
func answers(set *v1alpha1.ApplicationSet, result appset.Result) []appset.Answer {
	out := slices.Clone(result.Answers)
	if len(result.Explained) != len(result.Applications) {
		return out
	}
	came := map[string]int{}
	for _, e := range result.Explained {
		top, _, _ := strings.Cut(e.Origin.Generator, "]")
		came[top+"]"]++
	}
	for i, g := range set.Spec.Generators {
		if path := fmt.Sprintf("generators[%d]", i); g.Selector != nil || g.Matrix != nil || g.Merge != nil {
			out = append(out, appset.Answer{Path: path, ParameterSets: came[path], Verified: true})
		}
	}
	return out
}

// isTop reports an answer that answers added.
func isTop(path string) bool { return strings.HasSuffix(path, "]") && strings.Count(path, "]") == 1 }

// remember gives the answers to store. While applications are to go, or stay
// only because something is in doubt, what they come from is not forgotten:
// the most that a generator gave counts, so that a restart at any moment asks
// about the same deletions again.
func (m *maker) remember() []v1alpha1.GeneratorStatus {
	settled := len(m.plan.Delete) == 0 && !slices.ContainsFunc(m.plan.Kept, func(k Kept) bool { return k.Action == "delete" })
	var out []v1alpha1.GeneratorStatus
	told := map[string]bool{}
	for _, a := range m.answers {
		told[a.Path] = true
		before, known := m.recorded(a.Path)
		certain := a.ParameterSets > 0 || a.Verified || settled && before.ParameterSets == 0 // nothing of the set came from it
		switch {
		case !certain && known:
			out = append(out, before)
		case !certain && len(m.in.Owned) > 0:
			// Nothing is known of it, and nothing is learned.
		case settled:
			out = append(out, answered(a))
		case !known:
			first := answered(a)
			// As long as they are doubted, nothing is learned of them.
			first.Empty, first.Lacks, first.PullRequests = nil, nil, atMost(v1alpha1.GeneratorStatus{Path: a.Path}, first).PullRequests
			out = append(out, first)
		default:
			out = append(out, atMost(before, answered(a)))
		}
	}
	if !settled {
		for _, g := range m.in.Set.Status.Generators {
			if !told[g.Path] && g.ParameterSets > 0 {
				// What it had none of may have come since, from another place of the document.
				out = append(out, atMost(v1alpha1.GeneratorStatus{Path: g.Path}, g))
			}
		}
	}
	return out
}

func answered(a appset.Answer) v1alpha1.GeneratorStatus {
	without := 0
	pulls := slices.DeleteFunc(slices.Clone(a.PullRequests), func(r v1alpha1.RepositoryPullRequests) bool {
		if len(r.Numbers) == 0 {
			without++
		}
		return len(r.Numbers) == 0 && without > v1alpha1.MaxEmpty
	})
	return v1alpha1.GeneratorStatus{
		Path: a.Path, ParameterSets: int64(a.ParameterSets), PullRequests: pulls,
		Empty: a.Empty[:min(len(a.Empty), v1alpha1.MaxEmpty)], Lacks: a.Lacks[:min(len(a.Lacks), v1alpha1.MaxEmpty)],
	}
}

// atMost joins two answers of one generator: what only one of them has none of
// counts as something, and that a repository has no pull requests is nothing
// that the second one can tell.
func atMost(a, b v1alpha1.GeneratorStatus) v1alpha1.GeneratorStatus {
	out := v1alpha1.GeneratorStatus{Path: a.Path, ParameterSets: max(a.ParameterSets, b.ParameterSets), Empty: both(a.Empty, b.Empty), Lacks: both(a.Lacks, b.Lacks)}
	for n, r := range slices.Concat(a.PullRequests, b.PullRequests) {
		if n >= len(a.PullRequests) && len(r.Numbers) == 0 {
			continue
		}
		i := slices.IndexFunc(out.PullRequests, func(o v1alpha1.RepositoryPullRequests) bool { return filter.SameRepository(o.Repository, r.Repository) })
		if i < 0 {
			i = len(out.PullRequests)
			out.PullRequests = append(out.PullRequests, v1alpha1.RepositoryPullRequests{Repository: r.Repository})
		}
		numbers := append(out.PullRequests[i].Numbers, r.Numbers...)
		slices.Sort(numbers)
		out.PullRequests[i].Numbers = slices.Compact(numbers)
	}
	return out
}

// both are the texts of one list that another has, too.
func both(a, b []string) []string {
	var out []string
	for _, text := range a {
		if slices.Contains(b, text) {
			out = append(out, text)
		}
	}
	return out
}
