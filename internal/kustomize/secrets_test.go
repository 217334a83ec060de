package kustomize_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
)

// TestPasswordsAreNotTold: what stands in a URL of a kustomization is used, and
// is in no error, warning or object.
func TestPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	const host = "https://bob:s3cret@git.example.com/"
	shelf := shelf{
		host + "acme/base.git@main": fstest.MapFS{
			"kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")},
			"a.yaml":             {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")},
		},
		host + "charts#web@1.0.0": fstest.MapFS{
			"Chart.yaml":       {Data: []byte("{apiVersion: v2, name: web, version: 1.0.0}\n")},
			"templates/a.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")},
		},
		host + "charts#none@1.0.0": fstest.MapFS{},
	}
	engines := map[render.Type]render.Engine{render.Kustomize: kustomize.New(kustomize.Options{Charts: helm.New()})}
	for _, tc := range []struct{ kustomization, want string }{
		{`resources: ["` + host + `acme/base.git?ref=main"]`, "https://bob:xxxxx@git.example.com/acme/base.git@main is not pinned"},
		{`resources: ["git::` + host + `acme/base.git//no?ref=main"]`, "git::https://bob:xxxxx@git.example.com/acme/base.git//no?ref=main is not there"},
		{`resources: ["` + host + `acme/base.git//a.yaml?ref=main"]`, "https://bob:xxxxx@git.example.com/acme/base.git//a.yaml?ref=main is a file"},
		{`resources: ["` + host + `acme/base.git//../x?ref=main"]`, "https://bob:xxxxx@git.example.com/acme/base.git//../x?ref=main leaves its repository"},
		{`resources: ["` + host + `acme?ref=main"]`, "https://bob:xxxxx@git.example.com/acme?ref=main does not say which repository it is"},
		{`resources: ["` + host + `acme/base.git?ref=%zzs3cret"]`, "https://bob:xxxxx@git.example.com/acme/base.git: its query cannot be read"},
		{`resources: ["` + host + `install.yaml"]`, "https://bob:xxxxx@git.example.com/install.yaml is a file on a web server"},
		{`resources: ["https:/bob:s3cret@git.example.com/acme/base"]`, "https:/bob:xxxxx@git.example.com/acme/base"},
		{`patches: [{path: "` + host + `p.yaml?token=s3cret"}]`, "https://bob:xxxxx@git.example.com/p.yaml is a file on a web server"},
		{`helmCharts: [{name: web, repo: "` + host + `charts", version: 1.0.0, valuesFile: "` + host + `v.yaml"}]`, "https://bob:xxxxx@git.example.com/v.yaml is a file on a web server"},
		{`helmCharts: [{name: none, repo: "` + host + `charts", version: 1.0.0}]`, "https://bob:xxxxx@git.example.com/charts/none@1.0.0 holds no Chart.yaml"},
		{`{helmCharts: [{name: web, repo: "` + host + `charts", version: 1.0.0}], buildMetadata: [originAnnotations]}`, "repo: https://bob:xxxxx@git.example.com/charts"},
		{
			`{resources: ["` + host + `acme/base.git?ref=main"], buildMetadata: [originAnnotations, transformerAnnotations], namePrefix: x-}`,
			"repo: https://bob:xxxxx@git.example.com/acme/base.git",
		},
	} {
		req := request(tree(map[string]string{"app/kustomization.yaml": tc.kustomization}))
		req.More = shelf
		result, err := render.New(engines, render.DefaultLimits()).Render(t.Context(), req)
		told := fmt.Sprintln(err, result.Warnings)
		for _, u := range result.Objects {
			told += fmt.Sprintln(u.Object)
		}
		if strings.Contains(told, "s3cret") || !strings.Contains(told, tc.want) {
			t.Errorf("%s: want %q, and no password:\n%s", tc.kustomization, tc.want, told)
		}
	}
}
