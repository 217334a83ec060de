package helm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helmengine "helm.sh/helm/v3/pkg/engine"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/manifest"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

const metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

func tree(files map[string]string) snapshot.Tree {
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return snapshot.Tree{FS: out}
}

// configMap is a template whose data has one key, written by body.
func configMap(body string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  out: |\n    x" + body + "\n"
}

func renderOne(t *testing.T, req render.Request) ([]render.Manifest, error) {
	t.Helper()
	return helm.New().Render(t.Context(), req)
}

// TestTemplatesMeanWhatTheyMeanToHelm runs both engines over what charts do.
func TestTemplatesMeanWhatTheyMeanToHelm(t *testing.T) {
	t.Parallel()
	values := "name: n\nnothing: null\nport: 80\nratio: 1.5\nbig: 12345678901\nlist: [a, b]\ndeep: {a: {b: [1, {c: d}]}}\ntext: 'v {{ .Values.port }}'\nflag: true\nempty: {}\n"
	for _, body := range []string{
		`{{ .Values.name }} {{ .Values.nothing }} {{ .Values.absent }} {{ .Values.port }} {{ .Values.ratio }} {{ .Values.big }}`,
		`{{ .Values.list }} {{ .Values.deep }} {{ .Values.flag }} {{ .Values.empty }}`,
		`{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.HelmVersion.Version }} {{ .Capabilities.APIVersions.Has "v1" }}`,
		`{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.Service }}`,
		`{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.IsRoot }} {{ .Template.Name }} {{ .Template.BasePath }}`,
		`{{ range $i, $v := .Values.list }}{{ $i }}={{ $v }};{{ else }}none{{ end }}{{ range .Values.absent }}{{ else }}none{{ end }}`,
		`{{ range until 5 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }}`,
		`{{ range 3 }}{{ . }}{{ end }}{{ range $k, $v := .Values.deep.a }}{{ $k }}{{ end }}`,
		`{{ with .Values.deep.a }}{{ toYaml .b | nindent 4 }}{{ end }}{{ with .Values.absent }}x{{ else with .Values.name }}{{ . }}{{ end }}`,
		`{{ $x := 1 }}{{ range .Values.list }}{{ $x = add $x 1 }}{{ end }}{{ $x }}`,
		`{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .Values.name }}{{ include "t" "i" | upper }}{{ include "web.helper" . }}`,
		`{{ block "b" .Values.name }}[{{ . }}]{{ end }}`,
		`{{ tpl .Values.text . }} {{ tpl "plain" . }} {{ tpl "{{ include \"web.helper\" . }}" . }}`,
		`{{ tpl "{{ define \"inner\" }}in{{ end }}{{ include \"inner\" . }}" . }}`,
		`{{ include (print $.Template.BasePath "/other.yaml") . | sha256sum }}`,
		`{{ .Files.Get "config/a.txt" }} {{ range $n, $_ := .Files.Glob "config/*" }}{{ $n }}{{ end }} {{ .Files.Lines "config/a.txt" }}`,
		`{{ (.Files.Glob "config/*").AsConfig | nindent 4 }}{{ (.Files.Glob "config/*").AsSecrets | nindent 4 }}`,
		`{{ $d := dict "a" 1 }}{{ $_ := set $d "b" (list 1 2) }}{{ $d }} {{ toJson $d }} {{ keys $d | sortAlpha }} {{ hasKey $d "a" }}`,
		`{{ merge (dict "a" 1) (dict "b" 2) }} {{ mergeOverwrite (dict "a" 1) (dict "a" 2) }} {{ dig "a" "b" "no" .Values.deep }}`,
		`{{ printf "%s-%d-%v-%5.1f" .Values.name 3 .Values.list .Values.ratio }} {{ print 1 2 "x" }} {{ println "a" }}`,
		`{{ fromYaml "a: [1, {b: c}]" }} {{ fromYaml "[" }} {{ fromYamlArray "[1]" }} {{ fromJson "{\"a\":1}" }} {{ fromJsonArray "x" }} {{ toToml .Values.deep }}`,
		`{{ default "d" .Values.absent }} {{ coalesce .Values.nothing "c" }} {{ ternary "t" "f" .Values.flag }} {{ empty .Values.empty }} {{ kindOf .Values }} {{ typeOf .Values.list }}`,
		`{{ lookup "v1" "Secret" "a" "b" }} {{ (lookup "v1" "Secret" "a" "b").data }}`,
		`{{ regexReplaceAll "a(.)" "abac" "${1}!" }} {{ splitList "," "a,b" }} {{ join "-" .Values.list }} {{ repeat 3 "z" }} {{ replace "a" "b" "aaa" }} {{ trunc 2 "abc" }}`,
		`{{ semverCompare ">=1.2" "1.3.0" }} {{ untilStep 0 10 3 }} {{ seq 1 3 }} {{ b64enc "x" }} {{ quote 1 "a" nil }} {{ squote .Values.list }} {{ cat 1 "b" }} {{ indent 2 "a\nb" }}`,
		`{{ if and .Values.name (not .Values.absent) (or .Values.nothing .Values.flag) }}yes{{ else if .Values.port }}no{{ end }}`,
		`{{ index .Values.deep "a" "b" 0 }} {{ slice "abcdef" 1 3 }} {{ len .Values.list }} {{ html "<a>" }} {{ urlquery "a b" }} {{ js "'" }}`,
		`{{- /* a comment */ -}}  {{- "trim" -}}   `,
		`{{ "<no value>" }} {{ list nil | toString }} {{ .Values.absent | toString }} {{ nil | default "n" }} {{ print nil }}`,
		`{{ .Values.deep.absent.more }}`,
		`{{ required "a name is needed" .Values.nothing }}`,
		`{{ fail "no way" }}`,
		`{{ .Values.name.first }}`,
		`{{ include "nobody" . }}`,
		`{{ tpl "{{ .Values.name" . }}`,
		`{{ index .Values.list 7 }}`,
		`{{ nosuch }}`,
		`{{ if }}`,
		`{{ .Subcharts.sub.Values.v }} {{ .Subcharts.sub.Chart.Name }}`,
		`{{ getHostByName "localhost" }}{{ .Values.port | int | add 1 | mul 2 }} {{ max 1 2 }} {{ float64 "1.5" }} {{ toDecimal "777" }} {{ uniq (list 1 1 2) }} {{ without (list 1 2) 1 }} {{ has 1 (list 1) }}`,
	} {
		files := map[string]string{
			"Chart.yaml": metadata, "values.yaml": values, "config/a.txt": "one\ntwo\n", "config/b": "\x00\x01",
			"templates/_h.tpl":           `{{ define "web.helper" }}{{ .Release.Name }}{{ end }}`,
			"templates/a.yaml":           configMap(body),
			"templates/other.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
			"charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
			"charts/sub/values.yaml":     "v: 1\n",
			"charts/sub/templates/a.tpl": `{{ define "web.helper" }}overridden{{ end }}`,
		}
		want, wantErr := byHelm(t, files)
		got, err := renderOne(t, render.Request{Tree: tree(files), App: "shop", Namespace: "ns"})
		if wantErr != nil || err != nil {
			if wantErr == nil || err == nil {
				t.Errorf("%s\nHelm: %v\ngot: %v", body, wantErr, err)
			}
			continue
		}
		var text string
		for _, m := range got {
			if m.Object.GetName() == "a" {
				text = fmt.Sprint(m.Object.Object)
			}
		}
		if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("%s (-Helm +got):\n%s", body, diff)
		}
	}
}

func byHelm(t *testing.T, files map[string]string) (string, error) {
	t.Helper()
	var content []*loader.BufferedFile
	for name, data := range files {
		content = append(content, &loader.BufferedFile{Name: name, Data: []byte(data)})
	}
	c, err := loader.LoadFiles(content)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"}
	all, err := chartutil.ToRenderValues(c, map[string]any{}, chartutil.ReleaseOptions{Name: "shop", Namespace: "ns", Revision: 1, IsInstall: true}, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	out, err := helmengine.Engine{}.Render(c, all)
	if err != nil {
		return "", err
	}
	objects, err := manifest.Parse(strings.NewReader(out["web/templates/a.yaml"]), "helm")
	if err != nil {
		return "", err
	}
	return fmt.Sprint(objects[0].Object), nil
}

func TestTemplatesThatWouldNotEnd(t *testing.T) {
	t.Parallel()
	engine := helm.New()
	for _, tc := range []struct{ reason, body, want string }{
		{"a long list", `{{ range until 1000000000 }}x{{ end }}`, "function until"},
		{"a long list by steps", `{{ untilStep 0 2000000000 1 }}`, "function untilStep"},
		{"a long sequence", `{{ seq 1 2000000000 }}`, "function seq"},
		{"a list below zero", `{{ until -1000000000 }}`, "function until"},
		{"a text many times", `{{ repeat 1000000000 "x" }}`, "function repeat"},
		{"a wide indent", `{{ indent 1000000000 "x" }}`, "function indent"},
		{"a wide format", `{{ printf "%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d" 1 }}`, "function printf"},
		{"a replacement that grows", `{{ $a := repeat 1000000 "a" }}{{ replace "a" $a $a }}`, "function replace"},
		{"a join that grows", `{{ join (repeat 1000000 "a") (until 1000) }}`, "function join"},
		{"doubling a text", `{{ $a := "x" }}{{ range until 64 }}{{ $a = print $a $a }}{{ end }}`, "function print would make"},
		{"doubling a list", `{{ $a := list 1 }}{{ range until 64 }}{{ $a = concat $a $a }}{{ end }}`, "function concat would make"},
		{"many large values", `{{ $l := list }}{{ range until 10000 }}{{ $l = append $l (repeat 1000000 "x") }}{{ end }}`, "more than 512 MiB"},
		{"a map that holds itself, printed", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}`, "function print"},
		{"as YAML", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYamlPretty $d }}`, "function toYamlPretty"},
		{"copied", `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}`, "function deepCopy"},
		{"maps that double", `{{ $d := dict "a" 1 }}{{ range until 64 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toYaml $d }}`, "function toYaml"},
		{"an include that includes itself", `{{ include "self" . }}`, "more than 1000 deep"},
		{"a template that runs itself", `{{ template "again" . }}`, "more than 1000 deep"},
		{"tpl that runs itself", `{{ tpl .Values.loop . }}`, "more than 1000 deep"},
		{"output without end", `{{ $a := repeat 1000000 "x" }}{{ range until 1000 }}{{ $a }}{{ end }}`, "it writes more than 32 MiB"},
		{"an empty loop", `{{ range 1000000000000 }}{{ end }}`, "steps"},
		{"loops within loops", `{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "steps"},
		{"keys without end", `{{ range until 1000 }}{{ $x := bcrypt "x" }}{{ end }}`, "more than 512 MiB"},
		{"items that are compared with each other", `{{ uniq (until 100000) }}`, "function uniq"},
		{"random text without end", `{{ randAlphaNum 1000000000 }}`, "function randAlphaNum"},
	} {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := engine.Render(ctx, render.Request{App: "shop", Tree: tree(map[string]string{
			"Chart.yaml": metadata, "values.yaml": "loop: '{{ tpl .Values.loop . }}'\n",
			"templates/_h.tpl": `{{ define "self" }}{{ include "self" . }}{{ end }}{{ define "again" }}{{ template "again" . }}{{ end }}`,
			"templates/a.yaml": configMap(tc.body),
		})})
		cancel()
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error about %q", tc.reason, err, tc.want)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: it took %s", tc.reason, took)
		} else {
			t.Logf("%s: %s", tc.reason, took)
		}
	}
}

func TestUntrustedBounds(t *testing.T) {
	t.Parallel()
	engine := helm.NewWithin(helm.UntrustedBounds())
	for _, tc := range []struct{ reason, body, want string }{
		{"templates in each other", `{{ include "self" . }}`, "more than 100 deep"},
		{"a large value", `{{ repeat 9000000 "x" }}`, "more than 8 MiB"},
		{"data", `{{ range until 200 }}{{ $x := repeat 1000000 "x" }}{{ end }}`, "more than 64 MiB"},
		{"steps", `{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}`, "more than 500000 steps"},
	} {
		_, err := engine.Render(t.Context(), render.Request{App: "shop", Tree: tree(map[string]string{
			"Chart.yaml": metadata, "templates/_h.tpl": `{{ define "self" }}{{ include "self" . }}{{ end }}`, "templates/a.yaml": configMap(tc.body),
		})})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error about %q", tc.reason, err, tc.want)
		}
	}
}

func TestRenderStopsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, body string }{
		{"a loop", `{{ range 1000000000000 }}{{ end }}`},
		{"text", `{{ range 1000000000000 }}{{ $x := printf "%d" . }}{{ end }}`},
		{"keys", `{{ range until 1000 }}{{ $x := genPrivateKey "rsa" }}{{ end }}`},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		began := time.Now()
		_, err := helm.New().Render(ctx, render.Request{App: "shop", Tree: tree(map[string]string{"Chart.yaml": metadata, "templates/a.yaml": configMap(tc.body)})})
		if took := time.Since(began); err == nil || took > 2*time.Second {
			t.Errorf("%s: it ended after %s with %v", tc.reason, took, err)
		}
		cancel()
	}
}

// TestSeparators: what is left of a separator's line after trimming begins the
// next document, as Helm has it.
func TestSeparators(t *testing.T) {
	t.Parallel()
	manifests, err := renderOne(t, render.Request{App: "shop", Source: v1alpha1.ApplicationSource{Path: "chart"}, Tree: tree(map[string]string{
		"chart/Chart.yaml": metadata,
		"chart/templates/a.yaml": `kind: A
apiVersion: v1
metadata: {name: first}

---

{{- if true -}}

# a remark
kind: A
apiVersion: v1
metadata: {name: remark}

---

{{- end -}}

kind: A
apiVersion: v1
metadata: {name: content}
spec:
  text: |
    ---inside
---
kind: A
apiVersion: v1
metadata: {name: plain}
`,
	})})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range manifests {
		got[m.Object.GetName()] = m.Origin.String()
	}
	want := map[string]string{"first": "chart/templates/a.yaml:1", "remark": "chart/templates/a.yaml:10", "content": "chart/templates/a.yaml:18", "plain": "chart/templates/a.yaml:25"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	manifests, err := renderOne(t, render.Request{App: "shop", Source: v1alpha1.ApplicationSource{Path: "chart"}, Tree: tree(map[string]string{
		"chart/Chart.yaml":                      metadata,
		"chart/templates/_h.tpl":                "{{ define \"whole\" }}\napiVersion: v1\nkind: Secret\nmetadata: {name: whole}\n{{ end }}",
		"chart/crds/c.yaml":                     "# first\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n",
		"chart/charts/sub-dir/Chart.yaml":       "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"chart/charts/sub-dir/templates/s.yaml": "\n\nkind: A\napiVersion: v1\nmetadata: {name: sub}\n",
		"chart/templates/a.yaml": `{{- $x := 1 }}
{{- if $x }}
kind: A
apiVersion: v1
metadata: {name: first}
{{- end }}
{{- range $n := list "l1" "l2" }}
---
kind: A
apiVersion: v1
metadata: {name: {{ $n }}}
{{- end }}
---
{{ include "whole" . }}
---
{{/* a remark */}}
kind: A
apiVersion: v1
metadata: {name: last}
`,
	})})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range manifests {
		got[m.Object.GetName()] = m.Origin.String()
	}
	want := map[string]string{
		"c": "chart/crds/c.yaml:3", "sub": "chart/charts/sub-dir/templates/s.yaml:3",
		"first": "chart/templates/a.yaml:3", "l1": "chart/templates/a.yaml:9", "l2": "chart/templates/a.yaml:9",
		"whole": "chart/templates/a.yaml:14", "last": "chart/templates/a.yaml:17",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
