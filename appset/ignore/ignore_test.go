package ignore_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/ignore"
	"github.com/trueup-dev/trueup/internal/fault"
)

func application(t *testing.T, text string) *v1alpha1.Application {
	t.Helper()
	app := &v1alpha1.Application{}
	if err := yaml.UnmarshalStrict([]byte(text), app); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	app.Name = "a"
	return app
}

func TestCarry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule             v1alpha1.ApplicationSetIgnoreDifferences
		live, want, then string
	}{
		"a field keeps the live value": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/spec/source/targetRevision"}},
			"spec: {source: {repoURL: r, targetRevision: v1}}", "spec: {source: {repoURL: r2, targetRevision: main}}",
			"spec: {source: {repoURL: r2, targetRevision: v1}}",
		},
		"a field that is not there live stays away": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/spec/syncPolicy"}},
			"spec: {}", "spec: {syncPolicy: {automated: {}}}", "spec: {}",
		},
		"a field that is only there live stays, with what is around it": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{".spec.syncPolicy.automated.prune"}},
			"spec: {syncPolicy: {automated: {prune: true}}}", "spec: {}", "spec: {syncPolicy: {automated: {prune: true}}}",
		},
		"nothing is made around a field that is nowhere": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/spec/syncPolicy/automated/prune"}},
			"spec: {syncPolicy: {retry: {limit: 3}}}", "spec: {}", "spec: {}",
		},
		"another application's rule does not count": {
			v1alpha1.ApplicationSetIgnoreDifferences{Name: "b", JSONPointers: []string{"/spec/project"}},
			"spec: {project: live}", "spec: {project: want}", "spec: {project: want}",
		},
		"labels and annotations, with a slash in the key": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/metadata/annotations/example.com~1note"}, JQPathExpressions: []string{`.metadata.labels["team"]`}},
			"metadata: {annotations: {example.com/note: live}, labels: {team: live}}", "metadata: {annotations: {a: b}, labels: {team: want, tier: web}}",
			"metadata: {annotations: {a: b, example.com/note: live}, labels: {team: live, tier: web}}",
		},
		"elements of a list are told apart by what they are, not by their place": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{".spec.sources[].targetRevision"}},
			"spec: {sources: [{repoURL: a, path: x, targetRevision: v1}, {repoURL: b, targetRevision: v2}]}",
			"spec: {sources: [{repoURL: c, targetRevision: main}, {repoURL: b, targetRevision: main}, {repoURL: a, path: x, targetRevision: main}]}",
			"spec: {sources: [{repoURL: c, targetRevision: main}, {repoURL: b, targetRevision: v2}, {repoURL: a, path: x, targetRevision: v1}]}",
		},
		"a chosen element keeps a field while the others follow the set": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{`.spec.source.helm.parameters[] | select(.name == "tag") | .value`}},
			"spec: {source: {repoURL: r, helm: {parameters: [{name: tag, value: live}, {name: size, value: s}]}}}",
			"spec: {source: {repoURL: r, helm: {parameters: [{name: size, value: l}, {name: tag, value: want}, {name: new, value: n}]}}}",
			"spec: {source: {repoURL: r, helm: {parameters: [{name: size, value: l}, {name: tag, value: live}, {name: new, value: n}]}}}",
		},
		"an element that is ignored as a whole stays at its place": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{`.spec.info[] | select(.name == "on call")`}},
			"spec: {info: [{name: x, value: '1'}, {name: on call, value: ana}, {name: y, value: '2'}]}", "spec: {info: [{name: x, value: '1'}, {name: y, value: '3'}]}",
			"spec: {info: [{name: x, value: '1'}, {name: on call, value: ana}, {name: y, value: '3'}]}",
		},
		"an element that only the set has, and that is ignored, stays away": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{`.spec.info[] | select(.name == "on call")`}},
			"spec: {info: [{name: x, value: '1'}]}", "spec: {info: [{name: on call, value: ana}, {name: x, value: '1'}]}", "spec: {info: [{name: x, value: '1'}]}",
		},
		"an index is a place": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/spec/sources/0/targetRevision"}},
			"spec: {sources: [{repoURL: old, targetRevision: v1}, {repoURL: b, targetRevision: v2}]}", "spec: {sources: [{repoURL: new, targetRevision: main}, {repoURL: b, targetRevision: main}]}",
			"spec: {sources: [{repoURL: new, targetRevision: v1}, {repoURL: b, targetRevision: main}]}",
		},
		"an index beyond the list, and a path into a text, name nothing": {
			v1alpha1.ApplicationSetIgnoreDifferences{JSONPointers: []string{"/spec/sources/7/path", "/spec/sources/-9/path", "/spec/project/x"}},
			"spec: {project: live, sources: [{repoURL: a, path: x}]}", "spec: {project: want, sources: [{repoURL: a, path: y}]}",
			"spec: {project: want, sources: [{repoURL: a, path: y}]}",
		},
		"an expression that does not fit the document names nothing": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{".spec.sources[].path", ".spec.project.x"}},
			"spec: {project: live}", "spec: {project: want}", "spec: {project: want}",
		},
		"texts of a list": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{`.spec.syncPolicy.syncOptions[] | select(startswith("Prune"))`}},
			"spec: {syncPolicy: {syncOptions: [PruneLast=true, CreateNamespace=true]}}", "spec: {syncPolicy: {syncOptions: [CreateNamespace=false]}}",
			"spec: {syncPolicy: {syncOptions: [PruneLast=true, CreateNamespace=false]}}",
		},
		"values inside raw JSON": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{".spec.source.helm.valuesObject.image.tag"}},
			"spec: {source: {repoURL: r, helm: {valuesObject: {image: {tag: live, name: n}}}}}", "spec: {source: {repoURL: r, helm: {valuesObject: {image: {tag: want, name: m}}}}}",
			"spec: {source: {repoURL: r, helm: {valuesObject: {image: {name: m, tag: live}}}}}",
		},
		"everything": {
			v1alpha1.ApplicationSetIgnoreDifferences{JQPathExpressions: []string{"."}},
			"spec: {project: live}", "spec: {project: want}", "spec: {project: live}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := ignore.Compile([]v1alpha1.ApplicationSetIgnoreDifferences{tc.rule})
			if err != nil {
				t.Fatal(err)
			}
			live, next := application(t, tc.live), application(t, tc.want)
			before := live.DeepCopy()
			if err := rules.Carry(t.Context(), live, next); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(application(t, tc.then), next); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, live); diff != "" {
				t.Errorf("what is live was changed:\n%s", diff)
			}
			// Once more, nothing moves: a set at rest writes nothing.
			again := application(t, tc.want)
			if err := rules.Carry(t.Context(), next, again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(next, again); diff != "" {
				t.Errorf("the second time (-first +second):\n%s", diff)
			}
		})
	}
}

func TestWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expression, want string
	}{
		"no path":          {`.spec.project + "x"`, "it names no path"},
		"no end":           {"[range(1; infinite)] | .[0]", "does not end within"},
		"too many":         {".spec.info[range(2000)]", "more than 1000 paths"},
		"an error of jq's": {`halt_error`, "it names no path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := ignore.Compile([]v1alpha1.ApplicationSetIgnoreDifferences{{JQPathExpressions: []string{tc.expression}}})
			if err != nil {
				t.Fatal(err)
			}
			app := application(t, "spec: {project: p}")
			err = rules.Carry(t.Context(), app, app.DeepCopy())
			if err == nil || !strings.Contains(err.Error(), tc.want) || fault.Of(err) != fault.Invalid {
				t.Errorf("%s gives %v of kind %s", tc.expression, err, fault.Of(err))
			}
		})
	}
}

func FuzzCarry(f *testing.F) {
	f.Add(".spec.sources[].path", "/spec/sources/0", `{"spec":{"sources":[{"repoURL":"a","path":"x"}]}}`, `{"spec":{"sources":[{"repoURL":"b"}]}}`)
	f.Add(".spec.source.helm.parameters[-1]", "/metadata/labels/a~1b", `{"spec":{"source":{"helm":{"parameters":[{"name":"a"}]}}}}`, `{"metadata":{"labels":{"a/b":"c"}}}`)
	f.Add(`.spec | .. | select(type == "string")`, "/", `{"spec":{"project":"p","info":[{"name":"n","value":"v"}]}}`, `{"spec":{"project":"q"}}`)
	f.Fuzz(func(t *testing.T, expression, pointer, live, want string) {
		if len(expression) > 40 {
			t.Skip("what takes long is bounded by time")
		}
		rules, err := ignore.Compile([]v1alpha1.ApplicationSetIgnoreDifferences{{JQPathExpressions: []string{expression}, JSONPointers: []string{pointer}}})
		if err != nil {
			return
		}
		a, b := &v1alpha1.Application{}, &v1alpha1.Application{}
		if yaml.Unmarshal([]byte(live), a) != nil || yaml.Unmarshal([]byte(want), b) != nil {
			return
		}
		before := a.DeepCopy()
		_ = rules.Carry(t.Context(), a, b) // any answer will do, as long as there is one
		if diff := cmp.Diff(before, a); diff != "" {
			t.Errorf("what is live was changed:\n%s", diff)
		}
	})
}
