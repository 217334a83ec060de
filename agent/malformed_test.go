package agent_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// TestMalformedSet: a set that the cluster's schema lets pass, and that no
// agent can read, says so and keeps what it has; the others go on, also after a
// restart, and it goes on itself when it is mended.
func TestMalformedSet(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.folders("a", "b", "c")
	good, bad := w.listSet("good", "a", "b"), w.listSet("bad", "a", "b")
	for _, set := range []*v1alpha1.ApplicationSet{good, bad} {
		w.must(w.client.Create(t.Context(), set))
		w.awaitSet(set, "up to date", upToDate)
	}
	write := func(generators string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec": {"generators": `+generators+`}}`))
		w.must(w.client.Patch(t.Context(), bad, patch))
	}
	write(`[{"list": {"elements": {"name": "c"}}}]`)
	w.awaitSet(bad, "telling where", setSays(lifecycle.ErrorOccurred, "spec.generators[0].list.elements: it is an object, and must be a list"))

	w.restart()
	w.edit(good, func(s *v1alpha1.ApplicationSet) { s.Spec.Generators = elementsOf("a", "b", "c") })
	w.awaitNames("good-", "a", "b", "c")
	w.awaitNames("bad-", "a", "b")

	write(`[{"list": {"elements": [{"name": "b"}, {"name": "c"}]}}]`)
	w.awaitNames("bad-", "b", "c")
	w.awaitSet(bad, "up to date", upToDate)

	write(`[{"matrix": {"generators": [{"list": {"elements": [{"name": "b"}], "elementYaml": ""}}, {"list": {"elements": [{"x": "1"}]}}]}}]`)
	w.awaitSet(bad, "telling what has no effect", setSays(lifecycle.ParametersGenerated, "generators[0].matrix.generators[0].list.elementYaml: unknown field"))
	w.awaitNames("bad-", "b")
}
