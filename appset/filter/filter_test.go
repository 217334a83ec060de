package filter_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/appset/filter"
)

func FuzzSlug(f *testing.F) {
	for _, s := range []string{"main", "feat/New_Login", "\xff\xfe", strings.Repeat("a-", 80), "日本 & ü", "---"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`)
	f.Fuzz(func(t *testing.T, branch string) {
		if got := filter.Slug(branch); len(got) > 50 || !form.MatchString(got) {
			t.Errorf("%q gives %q", branch, got)
		}
	})
}
