package place_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/appset/place"
	"github.com/trueup-dev/trueup/internal/fault"
)

// TestProblems collects errors as generators and templates do, and takes them
// apart again.
func TestProblems(t *testing.T) {
	t.Parallel()
	wrong := fault.New(fault.Invalid, "wrong")
	late := fault.New(fault.Transient, "late")
	for name, tc := range map[string]struct {
		add  func(p *place.Problems)
		want []string
	}{
		"none":            {func(p *place.Problems) { p.Add("a", nil); p.About("x", nil) }, nil},
		"one":             {func(p *place.Problems) { p.Add("a.b", wrong) }, []string{"a.b | wrong"}},
		"without a place": {func(p *place.Problems) { p.Add("", wrong) }, []string{" | wrong"}},
		"the same twice":  {func(p *place.Problems) { p.Add("a", wrong); p.Add("a", wrong); p.Add("b", wrong) }, []string{"a | wrong", "b | wrong"}},
		"one in another":  {func(p *place.Problems) { p.Add("git", place.At("files[0]", wrong)) }, []string{"git.files[0] | wrong"}},
		"a list in a map": {func(p *place.Problems) { p.Add("elementsYaml", place.At("[2]", wrong)) }, []string{"elementsYaml[2] | wrong"}},
		"several in one":  {func(p *place.Problems) { p.Add("git", errors.Join(place.At("a", wrong), late)) }, []string{"git.a | wrong", "git | late"}},
		"about something": {func(p *place.Problems) { p.About("cluster x", errors.Join(place.At("values.a", wrong), late)) },
			[]string{"values.a | cluster x: wrong", " | cluster x: late"}},
	} {
		var p place.Problems
		tc.add(&p)
		var got []string
		for _, one := range place.Split(p.Err()) {
			got = append(got, fmt.Sprintf("%s | %v", one.Place, one.Err))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSplitKeepsWhatIsAround: an error that somebody put words before has the
// same places, and one without places stays whole.
func TestSplitKeepsWhatIsAround(t *testing.T) {
	t.Parallel()
	inner := errors.Join(place.At("a", errors.New("x")), place.At("b", errors.New("y")))
	if got := place.Split(fmt.Errorf("expand: %w", inner)); len(got) != 2 || got[0].Place != "a" || got[1].Place != "b" {
		t.Errorf("got %v", got)
	}
	plain := fmt.Errorf("list the clusters: %w", errors.New("refused"))
	if got := place.Split(plain); len(got) != 1 || got[0].Place != "" || got[0].Err.Error() != plain.Error() {
		t.Errorf("got %v", got)
	}
}

// TestManyProblems: a hundred thousand parameter sets may all be wrong.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	var p place.Problems
	for i := range 10_000 {
		p.Add("template", fault.New(fault.Invalid, "set %d", i))
	}
	err := p.Err()
	if n := len(place.Split(err)); n != 51 || !strings.HasSuffix(err.Error(), "and 9950 more") || fault.Of(err) != fault.Invalid {
		t.Errorf("%d problems of kind %s: %.200v", n, fault.Of(err), err)
	}
}

// TestGroups: what many have is told once, and what is different shows.
func TestGroups(t *testing.T) {
	t.Parallel()
	var g place.Groups
	for i := range 1000 {
		g.Add(i, place.At("path", fault.New(fault.Invalid, "no key")))
	}
	g.Add(7, place.At("name", fault.New(fault.Invalid, "no name")))
	var p place.Problems
	g.Into(&p, "set", "list")
	want := "path: 1000 sets of list, the first of them 0: no key\nname: set 7 of list: no name"
	if diff := cmp.Diff(want, p.Err().Error()); diff != "" || fault.Of(p.Err()) != fault.Invalid {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range 100 {
		g.Add(i, fault.New(fault.Invalid, "value %d", i))
	}
	var many place.Problems
	g.Into(&many, "set", "list")
	if text := many.Err().Error(); !strings.HasSuffix(text, "and 52 more") {
		t.Errorf("got %s", text)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]string{{"", "a", "a"}, {"a", "", "a"}, {"a", "b", "a.b"}, {"a", "[1]", "a[1]"}} {
		if got := place.Join(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q and %q: got %q", tc[0], tc[1], got)
		}
	}
}
