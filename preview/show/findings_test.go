package show_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/show"
)

// TestAlike holds that what is said of applications is told once where only
// their own names, old and new, are others.
func TestAlike(t *testing.T) {
	t.Parallel()
	r := preview.Report{Apps: []preview.App{{Name: "www-a", Was: "web-a"}, {Name: "www-b", Was: "web-b"}, {Name: "www-c", Was: "web-c"}}}
	for name, message := range map[string]string{
		"www-a": "was web-a: Deployment shop/web is deleted with that, once somebody syncs www-a",
		"www-b": "was web-b: Deployment shop/web is deleted with that, once somebody syncs www-b",
		"www-c": "was web-c: Deployment shop/other is deleted with that, once somebody syncs www-c",
	} {
		r.Risks = append(r.Risks,
			risk.Finding{Rule: "x", Severity: risk.Critical, Application: name, Object: "Application " + name, Message: message},
			risk.Finding{Rule: "y", Severity: risk.Critical, Application: name, Object: "Deployment shop/" + name, Message: "stops"},
		)
	}
	r.Risks = risk.Sort(r.Risks)
	got := [][3]string{}
	for _, f := range show.Findings(r) {
		got = append(got, [3]string{f.Object, f.Message, f.Where})
	}
	want := [][3]string{
		{"Application www-a", "was web-a: Deployment shop/web is deleted with that, once somebody syncs www-a", "www-a, www-b"},
		{"Application www-c", "was web-c: Deployment shop/other is deleted with that, once somebody syncs www-c", "www-c"},
		{"Deployment shop/www-a", "stops", "www-a"}, {"Deployment shop/www-b", "stops", "www-b"}, {"Deployment shop/www-c", "stops", "www-c"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
