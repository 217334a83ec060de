package appset_test

import (
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/golden"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", expand)
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"{{ .a }}", "{{ a }}", "{{ range until 5 }}x{{ end }}", "{{ repeat 9 .a }}", "{{ slugify 3 true .a }}", "{{{a}}} {{"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, goTemplate bool) {
		if strings.Count(text, "range") > 1 {
			t.Skip("loops in loops take their time")
		}
		set := &v1alpha1.ApplicationSet{}
		set.Spec.GoTemplate = goTemplate
		set.Spec.Template.Name = "a"
		set.Spec.Template.Spec.Project = text
		set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{List: &v1alpha1.ListGenerator{ElementsYaml: "[{a: b}]"}}}
		result, err := appset.Generate(t.Context(), set, appset.World{})
		if err == nil && len(result.Applications) != 1 {
			t.Errorf("%q gives %d applications", text, len(result.Applications))
		}
	})
}
