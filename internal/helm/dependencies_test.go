package helm_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestDependenciesOfOneName: Helm tells them apart by version and alias.
func TestDependenciesOfOneName(t *testing.T) {
	t.Parallel()
	const https = "https://charts.example.com"
	object := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}-{{ .Chart.Version }}}\n"
	library := func(dir, name, version string) map[string]string {
		return map[string]string{
			dir + "/Chart.yaml":       "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
			dir + "/templates/a.yaml": object,
		}
	}
	files := map[string]string{}
	for _, more := range []map[string]string{library("lib1", "common", "1.0.0"), library("lib2", "common", "2.0.0")} {
		maps.Copy(files, more)
	}
	more := &opener{trees: map[snapshot.Location]snapshot.Tree{}}
	for _, version := range []string{"1.0.0", "1.5.0", "2.0.0"} {
		more.trees[snapshot.Location{RepoURL: https, Chart: "common", Revision: version}] = chartTree("common", version, object)
	}
	more.trees[snapshot.Location{RepoURL: https, Chart: "common", Revision: "^1.0.0"}] = chartTree("common", "1.5.0", object)
	entry := func(alias, version, repository string) string {
		return "{name: common, alias: " + alias + ", version: " + version + ", repository: " + repository + "}"
	}
	for _, tc := range []struct {
		reason       string
		dependencies []string
		lock         []string // versions
		vendored     string   // the version in charts/
		want         []string // objects, or an error
		warning      string
	}{
		{
			reason: "folders, each with an alias", dependencies: []string{entry("one", "1.0.0", "file://../lib1"), entry("two", "2.0.0", "file://../lib2")},
			want: []string{"one-1.0.0", "two-2.0.0"},
		},
		{
			reason: "one folder, by two aliases", dependencies: []string{entry("one", "1.0.0", "file://../lib1"), entry("two", "1.0.0", "file://../lib1")},
			want: []string{"one-1.0.0", "two-1.0.0"},
		},
		{
			reason: "of a repository", dependencies: []string{entry("one", "1.0.0", https), entry("two", "2.0.0", https)},
			want: []string{"one-1.0.0", "two-2.0.0"},
		},
		{
			reason: "a version and a range that it is in", dependencies: []string{entry("one", "1.0.0", https), entry("two", "^1.0.0", https)},
			want: []string{"one-1.0.0", "two-1.5.0"}, warning: "is not locked",
		},
		{
			reason: "each with its own line of the lock", dependencies: []string{entry("one", "^1.0.0", https), entry("two", "^2.0.0", https)},
			lock: []string{"1.5.0", "2.0.0"}, want: []string{"one-1.5.0", "two-2.0.0"},
		},
		{
			reason: "a lock in another order", dependencies: []string{entry("one", "^1.0.0", https), entry("two", "^2.0.0", https)},
			lock: []string{"3.0.0", "2.0.0", "1.0.0"}, want: []string{"one-1.0.0", "two-2.0.0"},
		},
		{
			reason: "a folder with another version", dependencies: []string{entry("one", "^3.0.0", "file://../lib1")},
			want: []string{"Invalid: app/Chart.yaml: the dependency common ^3.0.0: lib1 holds common 1.0.0"},
		},
		{
			reason: "a folder with another chart", dependencies: []string{`{name: other, version: 1.0.0, repository: "file://../lib1"}`},
			want: []string{"Invalid: app/Chart.yaml: the dependency other 1.0.0: lib1 holds common 1.0.0"},
		},
		{
			reason: "charts/ has it", dependencies: []string{entry("one", "^1.0.0", https)}, vendored: "1.0.0",
			want: []string{"one-1.0.0"},
		},
		{
			reason: "charts/ has one of them: what is committed counts, as in Helm", dependencies: []string{entry("one", "1.0.0", https), entry("two", "2.0.0", https)}, vendored: "1.0.0",
			want: []string{"one-1.0.0"}, warning: "charts/ of the chart in app holds common 1.0.0, and Chart.yaml wants 2.0.0: run 'helm dependency update'",
		},
		{
			reason: "charts/ has another version", dependencies: []string{entry("one", "^2.0.0", https)}, vendored: "1.0.0",
			want: []string{"common-1.0.0"}, warning: "charts/ of the chart in app holds common 1.0.0, and Chart.yaml wants ^2.0.0",
		},
	} {
		own := maps.Clone(files)
		own["app/Chart.yaml"] = metadata + "dependencies: [" + strings.Join(tc.dependencies, ", ") + "]\n"
		if tc.vendored != "" {
			maps.Copy(own, library("app/charts/common", "common", tc.vendored))
		}
		if tc.lock != nil {
			own["app/Chart.lock"] = "dependencies:\n"
			for _, version := range tc.lock {
				own["app/Chart.lock"] += "- {name: common, version: " + version + ", repository: " + https + "}\n"
			}
		}
		result, err := render.New(map[render.Type]render.Engine{render.Helm: helm.New()}, render.DefaultLimits()).Render(t.Context(), render.Request{
			App: "shop", Tree: tree(own), More: more, Source: v1alpha1.ApplicationSource{Path: "app"},
		})
		var got []string
		for _, u := range result.Objects {
			got = append(got, u.GetName())
		}
		if err != nil {
			got = []string{string(fault.Of(err)) + ": " + strings.TrimPrefix(err.Error(), "render app: ")}
		}
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
		if told := strings.Join(result.Warnings, "\n"); (told != "") != (tc.warning != "") || !strings.Contains(told, tc.warning) {
			t.Errorf("%s: want a warning %q, got %q", tc.reason, tc.warning, told)
		}
	}
}

// TestWhatIsLeftOut: definitions where the source says so, and tests always.
func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
	own := tree(map[string]string{
		"Chart.yaml": metadata, "crds/widgets.yaml": crd,
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"templates/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n",
	})
	for _, tc := range []struct {
		helm v1alpha1.ApplicationSourceHelm
		want []string
	}{
		{v1alpha1.ApplicationSourceHelm{}, []string{"a", "widgets.example.com"}},
		{v1alpha1.ApplicationSourceHelm{SkipCrds: true}, []string{"a"}},
		{v1alpha1.ApplicationSourceHelm{SkipTests: true}, []string{"a", "widgets.example.com"}},
		{v1alpha1.ApplicationSourceHelm{SkipCrds: true, SkipTests: true}, []string{"a"}},
	} {
		manifests, err := renderOne(t, render.Request{App: "shop", Tree: own, Source: v1alpha1.ApplicationSource{Path: ".", Helm: &tc.helm}})
		var got []string
		for _, m := range manifests {
			got = append(got, m.Object.GetName())
		}
		slices.Sort(got)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("skipCrds %v, skipTests %v: %v (-want +got):\n%s", tc.helm.SkipCrds, tc.helm.SkipTests, err, diff)
		}
	}
}
