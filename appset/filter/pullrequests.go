package filter

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gosimple/slug"

	"github.com/trueup-dev/trueup/api/v1alpha1"
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
