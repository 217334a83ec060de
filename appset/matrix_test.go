package appset_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
)

// tenants is a plugin service: what each of its ConfigMaps answers, and how
// often it was asked.
type tenants struct {
	answers map[string][]map[string]any
	err     error
	asked   int
}

// Parameters implements appset.Plugins.
func (p *tenants) Parameters(_ context.Context, _ appset.PluginCaller, gen *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	p.asked++
	return p.answers[gen.ConfigMapRef.Name], p.err
}

// perTenant is a set that asks a plugin once for each element of a list.
func perTenant(elements string) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{}
	set.Spec.GoTemplate = true
	set.Spec.Template.Name = "{{.tenant}}-{{.n}}"
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{{Matrix: &v1alpha1.MatrixGenerator{
		Generators: []v1alpha1.ApplicationSetNestedGenerator{
			{List: &v1alpha1.ListGenerator{ElementsYaml: elements}},
			{Plugin: &v1alpha1.PluginGenerator{ConfigMapRef: v1alpha1.PluginConfigMapRef{Name: "{{.tenant}}"}}},
		},
	}}}
	return set
}

// TestEmptyAnswersInAMatrix: a question that got nothing is told, whatever the
// others got, and is the same one each time.
func TestEmptyAnswersInAMatrix(t *testing.T) {
	t.Parallel()
	service := &tenants{answers: map[string][]map[string]any{"a": {{"n": 1}, {"n": 2}}}}
	empty := func(elements string) []string {
		result, err := appset.Generate(t.Context(), perTenant(elements), appset.World{Plugins: service})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Answers[1].ParameterSets; got != 2 {
			t.Errorf("%d parameter sets", got)
		}
		return result.Answers[1].Empty
	}
	if got := empty("[{tenant: a}]"); got != nil {
		t.Errorf("none is empty, and %v are told", got)
	}
	first := empty("[{tenant: a}, {tenant: b}]")
	if len(first) != 1 {
		t.Errorf("one is empty, and %v are told", first)
	}
	if diff := cmp.Diff(first, empty("[{tenant: b}, {tenant: a}, {tenant: b}]")); diff != "" {
		t.Errorf("the same question (-first +again):\n%s", diff)
	}
	if got := empty("[{tenant: a}, {tenant: b}, {tenant: c}]"); len(got) != 2 {
		t.Errorf("two are empty, and %v are told", got)
	}
}

// TestAFailureThatMayPassIsNotRepeated: a peer that hangs is not asked once
// more for every parameter set.
func TestAFailureThatMayPassIsNotRepeated(t *testing.T) {
	t.Parallel()
	service := &tenants{err: fault.New(fault.Transient, "no answer within 30s")}
	_, err := appset.Generate(t.Context(), perTenant("[{tenant: a}, {tenant: b}, {tenant: c}]"), appset.World{Plugins: service})
	if fault.Of(err) != fault.Transient || service.asked != 1 {
		t.Errorf("asked %d times: %v", service.asked, err)
	}
}
