package filter

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gosimple/slug"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
)

// pullRequest is one filter: all its patterns must match.
type pullRequest struct{ branch, target, title *regexp.Regexp }

// PullRequests take what any one of them takes, and all where there is none.
type PullRequests struct{ filters []pullRequest }

// OfPullRequests reads filters. Patterns may match anywhere in a text.
func OfPullRequests(filters []v1alpha1.PullRequestGeneratorFilter) (PullRequests, []Wrong) {
	var out PullRequests
	var wrong []Wrong
	for i, f := range filters {
		compile := func(field string, pattern *string) *regexp.Regexp { return compiled(&wrong, i, field, pattern) }
		out.filters = append(out.filters, pullRequest{
			compile("branchMatch", f.BranchMatch), compile("targetBranchMatch", f.TargetBranchMatch), compile("titleMatch", f.TitleMatch),
		})
	}
	return out, wrong
}

// Take tells whether a pull request passes.
func (f PullRequests) Take(branch, target, title string) bool {
	match := func(r *regexp.Regexp, s string) bool { return r == nil || r.MatchString(s) }
	return len(f.filters) == 0 || slices.ContainsFunc(f.filters, func(one pullRequest) bool {
		return match(one.branch, branch) && match(one.target, target) && match(one.title, title)
	})
}

// Life is how long pull requests live after somebody touched them last.
type Life struct {
	ttl  time.Duration
	now  time.Time
	ends *time.Time
}

// NewLife is for pull requests that live for ttl. When the first of those that
// it takes has lived is put into ends, unless an earlier time is there.
func NewLife(ttl time.Duration, now func() time.Time, ends *time.Time) (Life, error) {
	switch {
	case ttl <= 0:
		return Life{}, fault.New(fault.Invalid, "%s is no time to live", ttl)
	case now == nil:
		return Life{}, fault.New(fault.Invalid, "no clock is given")
	}
	return Life{ttl, now(), ends}, nil
}

// Take tells whether one that was touched then lives.
func (l Life) Take(touched time.Time) bool {
	end := touched.Add(l.ttl)
	if end.Before(l.now) {
		return false
	}
	if l.ends.IsZero() || end.Before(*l.ends) {
		*l.ends = end
	}
	return true
}

// Given are the pull requests of a repository that a set had parameters for
// when its generators were asked last, wherever in the document the generator
// was then. It is not known of a repository that nobody says was asked, unless
// the set is new, nor of an answer that does not say which ones it gave.
func Given(before *v1alpha1.ApplicationSetStatus, path, repository string) (numbers []int64, known bool) {
	known = len(before.Generators) == 0 && before.ResourcesCount == 0
	for _, s := range before.Generators {
		if s.Path == path && len(s.PullRequests) == 0 {
			if s.ParameterSets > 0 {
				return nil, false
			}
			known = true
		}
		for _, r := range s.PullRequests {
			if SameRepository(r.Repository, repository) {
				numbers, known = append(numbers, r.Numbers...), true
			}
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), known
}

// Labels are a list that templates can index; never nil.
func Labels(of []string) []any {
	out := make([]any, len(of))
	for i, label := range of {
		out[i] = label
	}
	return out
}

// maxSlug leaves room for 13 more characters in a label of a DNS name.
const maxSlug = 50

// Slug makes a part of a name of a branch: at most 50 letters, digits and
// dashes, cut between words. The library's own bound is a variable that all of
// its users share.
func Slug(branch string) string {
	s := slug.Make(strings.ReplaceAll(branch, "_", "-"))
	if len(s) <= maxSlug {
		return s
	}
	if at := strings.LastIndexByte(s[:maxSlug+1], '-'); at > 0 {
		return s[:at]
	}
	return s[:maxSlug]
}
