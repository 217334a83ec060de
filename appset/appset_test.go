package appset_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/golden"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", expand)
}

func app(name string, change func(*v1alpha1.Application)) v1alpha1.Application {
	a := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Finalizers: []string{appset.Finalizer}}}
	if change != nil {
		change(&a)
	}
	return a
}

func TestDiff(t *testing.T) {
	t.Parallel()
	mode := func(m string) *v1alpha1.ApplicationSet {
		return &v1alpha1.ApplicationSet{Spec: v1alpha1.ApplicationSetSpec{
			SyncPolicy:      &v1alpha1.ApplicationSetSyncPolicy{ApplicationsSync: &m},
			PreservedFields: &v1alpha1.ApplicationPreservedFields{Labels: []string{"team"}},
		}}
	}
	existing := []v1alpha1.Application{
		app("same", func(a *v1alpha1.Application) {
			a.Status.SourceType = "Helm"
			a.Labels = map[string]string{"team": "by hand"}
			a.Annotations = map[string]string{"argocd.argoproj.io/refresh": "hard"}
			a.Finalizers = append(a.Finalizers, "example.com/other")
		}),
		app("moved", func(a *v1alpha1.Application) { a.Spec.Project = "old"; a.Labels = map[string]string{"stray": "x"} }),
		app("gone", nil),
	}
	wanted := []v1alpha1.Application{app("same", nil), app("moved", func(a *v1alpha1.Application) { a.Spec.Project = "new" }), app("fresh", nil)}
	for _, tc := range []struct{ reason, mode, want string }{
		{"by default a set does everything", "sync", "create fresh, update moved, delete gone"},
		{"create-only", "create-only", "create fresh"},
		{"create-update", "create-update", "create fresh, update moved"},
		{"create-delete", "create-delete", "create fresh, delete gone"},
	} {
		c := appset.Diff(mode(tc.mode), existing, wanted)
		var got []string
		for _, group := range []struct {
			verb string
			apps []v1alpha1.Application
		}{{"create", c.Create}, {"update", c.Update}, {"delete", c.Delete}} {
			for _, a := range group.apps {
				got = append(got, group.verb+" "+a.Name)
			}
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		for _, a := range c.Update {
			if a.Spec.Project != "new" || len(a.Labels) != 0 {
				t.Errorf("%s: updated to %+v", tc.reason, a)
			}
		}
	}
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
