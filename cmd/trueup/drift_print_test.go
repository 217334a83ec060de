package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/drift"
)

// TestExpectedIsCounted: also where nothing else differs, and no object is
// shown for it.
func TestExpectedIsCounted(t *testing.T) {
	t.Parallel()
	report := drift.Report{Objects: []drift.Object{{
		Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", State: drift.InSync,
		Fields: []drift.Field{{Path: "spec.replicas", Desired: 2, Live: 4, Class: drift.Expected, Rule: "autoscaler", Manager: "kube-controller-manager"}},
	}}}
	for name, tc := range map[string]struct {
		all  bool
		want string
	}{
		"in the default view": {false, `
1 in sync · 0 modified · 0 missing · 0 extra · 1 expected difference
next: trueup diff --all
`},
		"with --all": {true, `
= Deployment shop/web
    spec.replicas
      - 2  git
      + 4  live, kube-controller-manager, expected: autoscaler

1 in sync · 0 modified · 0 missing · 0 extra · 1 expected difference
`},
	} {
		var b strings.Builder
		if err := printDrift(&b, report, printing{all: tc.all, next: "trueup diff --all"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
