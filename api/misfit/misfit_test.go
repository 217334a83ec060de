package misfit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/misfit"
	"github.com/trueup-dev/trueup/api/v1alpha1"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw  string
		want []string
	}{
		"what fits":      {`{"spec": {"generators": [{"list": {"elements": [{"a": 1}]}}], "nosuch": 1}}`, nil},
		"no JSON":        {`{`, []string{"unexpected end of JSON input"}},
		"another kind":   {`[]`, []string{"it is a list, and must be an object"}},
		"null is absent": {`{"spec": null}`, nil},
		"all, and where": {`{"metadata": {"labels": {"a.b/c": 1}}, "spec": {"goTemplate": "yes", "generators": [
			{"list": {"elements": {"a": "b"}}}, {"git": {"repoURL": 1, "directories": [{"path": "x"}, {"path": [], "exclude": "no"}]}},
			{"pullRequest": {"ttl": "3d"}}, {"matrix": {"generators": {}}}],
			"template": {"spec": {"syncPolicy": {"automated": {"prune": "{{.prune}}"}}}}, "strategy": {"rollingSync": {"steps": [{"maxUpdate": true}]}}}}`,
			[]string{
				"metadata.labels.a.b/c: it is number, and must be a text",
				"spec.generators[0].list.elements: it is an object, and must be a list",
				"spec.generators[1].git.directories[1].exclude: it is a text, and must be true or false",
				"spec.generators[1].git.directories[1].path: it is a list, and must be a text",
				"spec.generators[1].git.repoURL: it is number, and must be a text",
				`spec.generators[2].pullRequest.ttl: time: unknown unit "d" in duration "3d"`,
				"spec.generators[3].matrix.generators: it is an object, and must be a list",
				"spec.goTemplate: it is a text, and must be true or false",
				"spec.strategy.rollingSync.steps[0].maxUpdate: it is true or false, and must be a whole number",
				"spec.template.spec.syncPolicy.automated.prune: it is a text, and must be true or false",
			}},
	} {
		var got []string
		for _, m := range misfit.Of[v1alpha1.ApplicationSetDocument]([]byte(tc.raw)) {
			got = append(got, m.Error())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzOf: whatever does not decode has a misfit, and what decodes has none.
func FuzzOf(f *testing.F) {
	f.Add([]byte(`{"spec": {"generators": [{"list": {"elements": {"a": "b"}}}]}}`))
	f.Add([]byte(`{"metadata": {"labels": {"a": null}}, "spec": 1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var set v1alpha1.ApplicationSet
		err := set.UnmarshalJSON(raw)
		found := misfit.Of[v1alpha1.ApplicationSetDocument](raw)
		if broken := err != nil || set.Malformed != ""; broken != (len(found) > 0) {
			t.Errorf("%v, malformed %q, and found are %v", err, set.Malformed, found)
		}
	})
}
