package trial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/preview/trial"
)

// TestTakenNames: a change that describes something under a name that the
// cluster has already is shown nothing of what the cluster has there, unless
// that uses the repository and who wrote the change may push.
func TestTakenNames(t *testing.T) {
	t.Parallel()
	const (
		payroll = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: payroll, namespace: trueup}\nspec:\n" +
			"  source: {repoURL: 'https://git.example.com/private.git', path: .}\n  destination: {name: eu, namespace: payroll}\n"
		list = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: teams, namespace: trueup}\nspec:\n" +
			"  generators: [{list: {elements: [{app: payroll}]}}]\n  template:\n    metadata: {name: '{{app}}'}\n    spec:\n" +
			"      source: {repoURL: 'https://git.example.com/private.git', path: .}\n      destination: {name: eu, namespace: payroll}\n"
	)
	own := func(doc string) string {
		return strings.ReplaceAll(doc, "private.git', path: .", "config.git', path: shop")
	}
	renamed := strings.ReplaceAll(own(list), "name: teams", "name: mine")
	parent := strings.ReplaceAll(strings.ReplaceAll(own(payroll), "name: payroll", "name: parent"), "path: shop", "path: children")
	for name, tc := range map[string]struct {
		concerned          bool   // what the cluster has uses the repository
		cluster            string // what it has
		base, head         map[string]string
		trusted, untrusted string
	}{
		"an application of its own": {
			cluster: payroll, head: map[string]string{"x.yaml": own(payroll)},
			trusted: "problem: x.yaml:1: application payroll is not previewed: the cluster has one of this name that does not come from this repository\n0 of 0 rendered, complete false\n",
		},
		"made by a set": {
			cluster: payroll, head: map[string]string{"x.yaml": renamed},
			trusted: "problem: x.yaml:5, generators[0].list of ApplicationSet mine: application payroll is not previewed: the cluster has one of this name that does not come from this repository\n0 of 0 rendered, complete false\n",
		},
		"made by an application": {
			cluster: payroll, head: map[string]string{"x.yaml": parent, "children/a.yaml": strings.ReplaceAll(own(payroll), "argoproj.io", "trueup.dev")},
			trusted: "create parent; create Application trueup/payroll\n" +
				"problem: children/a.yaml:1, by application parent: application payroll is not previewed: the cluster has one of this name that does not come from this repository\n1 of 1 rendered, complete false\n",
		},
		"a set of its own": {
			cluster: list, head: map[string]string{"x.yaml": own(list)},
			trusted: "problem: x.yaml:1: application set teams is not previewed: the cluster has one of this name that does not come from this repository\n0 of 0 rendered, complete false\n",
		},
		"what uses the repository": {
			concerned: true, cluster: payroll, head: map[string]string{"x.yaml": own(payroll)},
			trusted:   "update payroll; rename ConfigMap payroll/shop\n1 of 1 rendered, complete true\n",
			untrusted: "problem: x.yaml:1: application payroll is not previewed: the cluster has one of this name that does not come from this repository\n0 of 1 rendered, complete false\n",
		},
		"a set that may use the repository": {
			concerned: true, cluster: list, head: map[string]string{"x.yaml": own(list)},
			trusted: "problem: x.yaml:1: application set teams is not previewed: the cluster has one of this name that does not come from this repository\n0 of 1 rendered, complete false\n",
		},
		"a set that makes what another one makes": {
			concerned: true, cluster: list + "---\n" + strings.ReplaceAll(renamed, "payroll}", "mine}"),
			base:    map[string]string{"x.yaml": strings.ReplaceAll(renamed, "payroll}", "mine}")},
			head:    map[string]string{"x.yaml": renamed},
			trusted: "delete mine; delete ConfigMap mine/shop\n1 of 2 rendered, complete true\n",
		},
		"described on base": {
			cluster: payroll, base: map[string]string{"x.yaml": own(payroll)}, head: map[string]string{"x.yaml": own(payroll) + "# more\n"},
			trusted: "0 of 1 rendered, complete true\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %}\ndata: {a: b}\n"
			files := []txtar.File{{Name: "other/private/x.yaml", Data: []byte(strings.ReplaceAll(cm, "%", "salaries"))}}
			for side, of := range map[string]map[string]string{"base/": tc.base, "head/": tc.head} {
				files = append(files, txtar.File{Name: side + "shop/cm.yaml", Data: []byte(strings.ReplaceAll(cm, "%", "shop"))})
				for name, text := range of {
					files = append(files, txtar.File{Name: side + name, Data: []byte(text)})
				}
			}
			docs, err := document.Decode([]byte(tc.cluster), "cluster")
			if err != nil {
				t.Fatal(err)
			}
			roots := trial.Roots{Paths: []string{"x.yaml"}, Live: true, Home: "trueup", Others: docs}
			if tc.concerned {
				roots.Given, roots.Others = docs, document.Documents{}
			}
			if tc.untrusted == "" {
				tc.untrusted = tc.trusted
			}
			for _, untrusted := range []bool{false, true} {
				tr, c, _ := trying(files)
				want := tc.trusted
				if untrusted {
					want = tc.untrusted
					tr.Guard = trial.Guard{Untrusted: true, Renderer: render.New(nil, render.UntrustedLimits())}
				}
				if diff := cmp.Diff(want, told(tr.Run(t.Context(), c, roots))); diff != "" {
					t.Errorf("untrusted %v (-want +got):\n%s", untrusted, diff)
				}
			}
		})
	}
}
