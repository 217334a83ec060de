package show_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/show"
)

// TestProblems: one reason is told once, with all whom it concerns; what the
// change makes comes before what base has.
func TestProblems(t *testing.T) {
	t.Parallel()
	fails := func(name, origin, message string, before bool) preview.App {
		return preview.App{Name: name, Origin: origin, Problem: &preview.Problem{Message: message, Before: before}}
	}
	got := show.Problems(preview.Report{
		Problems: []preview.Problem{{Message: "sets/a.yaml:3: no key\x1b", Only: true}, {Message: "sets/b.yaml:1: bad"}},
		Apps: []preview.App{
			fails("a", "set.yaml:4", "x\n  y\r\n", false), fails("b", "set.yaml:4", "x\n  y\r\n", false), fails("c", "set.yaml:9", "x\n  y\r\n", false),
			fails("d", "", "x\n  y\r\n", true), {Name: "fine"}, fails("e", "", "", false),
		},
	})
	want := []show.Problem{
		{Lines: []string{"sets/b.yaml:1: bad"}},
		{Apps: []string{"a", "b", "c"}, Origins: []string{"set.yaml:4", "set.yaml:9"}, Lines: []string{"x", "  y"}},
		{Apps: []string{"e"}, Lines: []string{""}},
		{Lines: []string{`sets/a.yaml:3: no key\x1b`}, Note: "on base only: this change mends it, and what is there with it is told whole"},
		{Apps: []string{"d"}, Lines: []string{"x", "  y"}, Note: "already broken on base"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
