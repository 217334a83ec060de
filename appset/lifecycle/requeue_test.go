package lifecycle_test

import (
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

func TestRequeue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		generators string
		want       time.Duration
	}{
		"lists, clusters and repositories tell of changes": {"[{list: {}}, {clusters: {}}, {git: {repoURL: r, revision: main, requeueAfterSeconds: 5}}]", 0},
		"forges are asked every half an hour":              {"[{scmProvider: {}}, {pullRequest: {}}]", 30 * time.Minute},
		"plugins too":                                      {"[{plugin: {configMapRef: {name: p}}}]", 30 * time.Minute},
		"decisions every three minutes":                    {"[{clusterDecisionResource: {configMapRef: c}}]", 3 * time.Minute},
		"the shortest time counts":                         {"[{scmProvider: {requeueAfterSeconds: 60}}, {pullRequest: {requeueAfterSeconds: 90}}]", time.Minute},
		"zero is never":                                    {"[{pullRequest: {requeueAfterSeconds: 0}}]", 0},
		"zero leaves others alone":                         {"[{pullRequest: {requeueAfterSeconds: 0}}, {scmProvider: {}}]", 30 * time.Minute},
		"at any depth": {
			"[{matrix: {generators: [{list: {}}, {merge: {mergeKeys: [a], generators: [{list: {}}, {matrix: {generators: [{plugin: {configMapRef: {name: p}, requeueAfterSeconds: 20}}]}}]}}]}}]", 20 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &v1alpha1.ApplicationSet{}
			if err := yaml.UnmarshalStrict([]byte("spec: {generators: "+tc.generators+"}"), set); err != nil {
				t.Fatal(err)
			}
			if got := lifecycle.Requeue(set); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
