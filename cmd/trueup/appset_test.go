package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/golden"
)

// local replaces what the examples' repositories and clusters would be asked.
func local() []string {
	return []string{
		"--clusters", example("appset", "clusters.yaml"),
		"--repo", "https://git.example.com/config.git=" + example("config"),
		"--repo", "https://git.example.com/environments.git=" + example("appset", "environments"),
	}
}

// TestAppSetExamples expands every example of the documentation.
func TestAppSetExamples(t *testing.T) {
	t.Parallel()
	more := map[string]func(t *testing.T) []string{
		"decisions": func(*testing.T) []string { return []string{"--objects", example("appset", "decisions-objects.yaml")} },
		"plugin": func(t *testing.T) []string {
			return []string{"--objects", pointed(t, "plugin-objects.yaml", "http://tenants.platform.svc:4355", tenantsPlugin(t))}
		},
		"scm-provider": func(*testing.T) []string { return []string{"--objects", example("appset", "forge-objects.yaml")} },
		"pull-request": func(*testing.T) []string { return []string{"--objects", example("appset", "forge-objects.yaml")} },
	}
	names, err := filepath.Glob(example("appset", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "kind: ApplicationSet") {
			continue
		}
		base := strings.TrimSuffix(filepath.Base(name), ".yaml")
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"appset", "generate", name}, local()...)
			if options, ok := more[base]; ok {
				args = append(args, options(t)...)
			}
			if strings.Contains(string(data), "api: https://gitea.example.com") {
				args[2] = pointed(t, filepath.Base(name), "api: https://gitea.example.com", "api: "+gitea(t))
			}
			code, stdout, stderr := call(t, args...)
			if code != exitOK {
				t.Fatalf("exit code %d:\n%s", code, stderr)
			}
			if stderr != "" {
				stdout += "# " + stderr
			}
			golden.File(t, filepath.Join("testdata", "appset", base+".golden"), stdout)
		})
	}
}

// pointed is a copy of an example in which an address is another one.
func pointed(t *testing.T, name, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(example("appset", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s does not name %s", name, from)
	}
	out := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(out, []byte(strings.ReplaceAll(string(data), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// tenantsPlugin is the plugin of the example: it answers with the tenants of
// the plan that it is asked for.
func tenantsPlugin(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			ApplicationSetName string
			Input              struct{ Parameters struct{ Plan string } }
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer not-a-real-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if asked.ApplicationSetName != "tenants" || asked.Input.Parameters.Plan != "gold" {
			_, _ = w.Write([]byte(`{"output": {"parameters": []}}`))
			return
		}
		_, _ = w.Write([]byte(`{"output": {"parameters": [{"tenant": "acme", "account": 123456789012}, {"tenant": "umbrella", "account": 9007199254740993}]}}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// gitea answers as a Gitea does, about one organization.
func gitea(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	say := func(path string, answer func() any) {
		mux.HandleFunc("GET /api/v1"+path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "token not-a-real-token" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			v := answer()
			if list, ok := v.([]any); ok {
				w.Header().Set("X-Total-Count", fmt.Sprint(len(list)))
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(v); err != nil {
				t.Error(err)
			}
		})
	}
	say("/orgs/acme/repos", func() any {
		var out []any
		for i, name := range []string{"svc-cart", "svc-search", "website"} {
			out = append(out, map[string]any{"id": i + 1, "name": name, "html_url": "https://gitea.example.com/acme/" + name, "ssh_url": "git@gitea.example.com:acme/" + name + ".git", "default_branch": "main", "owner": map[string]any{"login": "acme"}})
		}
		return out
	})
	for _, repo := range []string{"svc-cart", "svc-search", "website"} {
		say("/repos/acme/"+repo+"/labels", func() any { return []any{} })
		say("/repos/acme/"+repo+"/branches/main", func() any {
			return map[string]any{"name": "main", "commit": map[string]any{"id": strings.Repeat("a", 40)}}
		})
	}
	say("/repos/acme/svc-cart/contents/", func() any { return []any{map[string]any{"name": "deploy", "path": "deploy", "type": "dir"}} })
	say("/repos/acme/svc-search/contents/", func() any { return []any{map[string]any{"name": "README.md", "path": "README.md", "type": "file"}} })
	say("/repos/acme/web/pulls", func() any {
		var out []any
		for i, label := range []string{"preview", "preview", "other"} {
			touched := time.Now().Add(-time.Duration(i) * 100 * time.Hour)
			out = append(out, map[string]any{
				"id": i, "number": 7 + i, "title": "Add a cart", "state": "open", "updated_at": touched.Format(time.RFC3339), "labels": []any{map[string]any{"name": label}},
				"head": map[string]any{"ref": "feature/Cart_" + fmt.Sprint(i), "sha": strings.Repeat("b", 40)}, "base": map[string]any{"ref": "main"}, "user": map[string]any{"login": "ana"},
			})
		}
		return out
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// TestAppSetScreens pins what people read.
func TestAppSetScreens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	list := func(elements, more string) string {
		return "apiVersion: trueup.dev/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shop}\nspec:\n  generators:\n  - list:\n      elements:\n" + elements +
			"  template:\n    metadata:\n      name: web-{{env}}\n    spec:\n      project: default\n" +
			"      source: {repoURL: https://git.example.com/config.git, path: apps/web, targetRevision: \"{{revision}}\"}\n" +
			"      destination: {name: \"{{env}}\", namespace: web}\n" + more
	}
	before := write("before.yaml", list("      - {env: a, revision: main}\n      - {env: b, revision: main}\n      - {env: c, revision: main}\n      - {env: d, revision: main}\n      - {env: e, revision: main}\n", ""))
	after := write("after.yaml", list("      - {env: a, revision: v2}\n      - {env: b, revision: main}\n      - {env: c, revision: main}\n      - {env: f, revision: main}\n",
		"      syncPolicy: {automated: {prune: true}}\n"))
	mass := write("mass.yaml", list("      - {env: a, revision: main}\n", ""))
	only := write("only.yaml", list("      - {env: a, revision: v2}\n", "  syncPolicy: {applicationsSync: create-only}\n"))
	nowhere := write("nowhere.yaml", strings.Replace(list("      - {env: a, revision: main}\n      - {env: f, revision: main}\n", ""), "destination: {", "destination: {server: \"https://a.example.com\", ", 1))
	applications := write("applications.yaml", expandTo(t, before))
	for name, tc := range map[string]struct {
		args []string
		code int
	}{
		"explain":              {append([]string{"generate", example("appset", "shop.yaml"), "--explain"}, local()...), exitOK},
		"explain-json":         {append([]string{"generate", example("appset", "shop.yaml"), "--explain", "-o", "json"}, local()...), exitOK},
		"explain-matrix":       {append([]string{"generate", example("appset", "matrix.yaml"), "--explain"}, local()...), exitOK},
		"explain-merge":        {append([]string{"generate", example("appset", "merge.yaml"), "--explain"}, local()...), exitOK},
		"explain-patch":        {[]string{"generate", example("appset", "template-patch.yaml"), "--explain"}, exitOK},
		"diff":                 {[]string{"diff", after, "--against", before}, exitDrift},
		"diff-applications":    {[]string{"diff", after, "--against", applications}, exitDrift},
		"diff-json":            {[]string{"diff", after, "--against", before, "-o", "json"}, exitDrift},
		"diff-name":            {[]string{"diff", after, "--against", before, "-o", "name"}, exitDrift},
		"diff-nothing":         {[]string{"diff", before, "--against", before}, exitOK},
		"diff-held":            {[]string{"diff", mass, "--against", before}, exitDrift},
		"diff-policy":          {[]string{"diff", only, "--against", before}, exitOK},
		"diff-rejected":        {[]string{"diff", nowhere, "--against", before}, exitIncomplete},
		"diff-rejected-name":   {[]string{"diff", nowhere, "--against", before, "-o", "name"}, exitIncomplete},
		"diff-nothing-as-yaml": {[]string{"diff", before, "--against", before, "-o", "yaml"}, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t, append([]string{"appset"}, tc.args...)...)
			if code != tc.code {
				t.Fatalf("exit code %d, want %d; standard error:\n%s", code, tc.code, stderr)
			}
			golden.File(t, filepath.Join("testdata", "appset", "screen-"+name+".golden"), stdout)
		})
	}
}

func expandTo(t *testing.T, file string) string {
	t.Helper()
	code, stdout, stderr := call(t, "appset", "generate", file)
	if code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, stderr)
	}
	return stdout
}

// TestAppSetErrors: all of them at once, each with its place in the file, and
// nothing on standard output.
func TestAppSetErrors(t *testing.T) {
	t.Parallel()
	const header = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec:\n"
	const template = "  template:\n    metadata: {name: \"web-{{a}}\"}\n    spec: {project: default, source: {repoURL: x, path: p}, destination: {name: z}}\n"
	for _, tc := range []struct {
		reason, set string
		args        []string
		want        string
	}{
		{
			"every text that is wrong, at any depth",
			"  generators:\n  - list: {elements: [{a: 1}]}\n  - matrix:\n      generators:\n      - list: {elements: [{a: b}]}\n      - list: {elements: [{c: {}}]}\n" + template,
			nil,
			"trueup: expand ApplicationSet s:\n" +
				"  FILE:6: generators[0].list.elements[0].a: it is no text: put it in quotes, or set goTemplate: true\n" +
				"  FILE:10: generators[1].matrix.generators[1].list.elements[0].c: it is no text: put it in quotes, or set goTemplate: true\n",
		},
		{
			"settings that nobody knows",
			"  generators:\n  - list: {elements: [{a: b}]}\n  - list: {}\n    clusters: {}\n" + template + "  yamlVersion: \"9\"\n" +
				"  syncPolicy:\n    applicationsSync: snyc\n    deletionBudget: {count: -4, percent: 400}\n" +
				"  strategy:\n    type: Nonsense\n  ignoreApplicationDifferences:\n  - jsonPointers: [spec]\n",
			nil,
			"trueup: expand ApplicationSet s:\n" +
				"  FILE:7: generators[1]: it holds 2 generators that are known, and must hold exactly one\n" +
				"  FILE:12: spec.yamlVersion: \"9\" is neither 1.1 nor 1.2\n" +
				"  FILE:14: spec.syncPolicy.applicationsSync: the policy \"snyc\" is none of sync, create-only, create-update and create-delete\n" +
				"  FILE:15: spec.syncPolicy.deletionBudget.count: the deletion budget's count -4 is negative\n" +
				"  FILE:15: spec.syncPolicy.deletionBudget.percent: the deletion budget's percentage 400 is not between 0 and 100\n" +
				"  FILE:17: spec.strategy.type: \"Nonsense\" is neither AllAtOnce nor RollingSync\n" +
				"  FILE:19: spec.ignoreApplicationDifferences[0].jsonPointers[0]: \"spec\" is no JSON pointer: it must begin with a slash\n",
		},
		{
			"a destination with a name and a server",
			"  generators:\n  - list: {elements: [{a: b}]}\n" + strings.Replace(template, "{name: z}", "{name: z, server: \"https://z\"}", 1),
			nil,
			"trueup: expand ApplicationSet s:\n  FILE:6: generators[0].list: the application web-b: spec.destination: it names both the server https://z and the cluster z; one is enough\n",
		},
		{
			"one name twice",
			"  generators:\n  - list: {elements: [{a: b}]}\n  - list:\n      elements: [{a: b}]\n" + template,
			nil,
			"trueup: expand ApplicationSet s:\n  FILE:7: generators[1].list: the application web-b: generators[0].list gave the name web-b already: the first application is kept\n",
		},
		{
			"objects that no file holds",
			"  generators:\n  - plugin: {configMapRef: {name: p}}\n  - clusterDecisionResource: {configMapRef: d, name: x}\n  - scmProvider: {gitea: {owner: o, api: \"https://x.example.com\", tokenRef: {secretName: t, key: k}}}\n" + template,
			nil,
			"trueup: expand ApplicationSet s:\n" +
				"  FILE:6: generators[0].plugin: read the plugin's ConfigMap p: no file of --objects holds the ConfigMap p\n" +
				"  FILE:7: generators[1].clusterDecisionResource: read the ConfigMap d that describes decisions: no file of --objects holds the ConfigMap d\n" +
				"  FILE:8: generators[2].scmProvider: gitea: tokenRef: read the secret t: no file of --objects holds the Secret t\n",
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "set.yaml")
			if err := os.WriteFile(file, []byte(header+tc.set), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := call(t, append([]string{"appset", "generate", file}, tc.args...)...)
			if code != exitError || stdout != "" {
				t.Errorf("exit code %d, standard output %q", code, stdout)
			}
			if diff := cmp.Diff(tc.want, strings.ReplaceAll(stderr, file, "FILE")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUsedParameters: what is dim in explanations is what no field uses.
func TestUsedParameters(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		uses map[string]bool
		want bool
	}{
		{"a", map[string]bool{"a": true}, true},
		{"a.b", map[string]bool{"a": true}, true},
		{"a", map[string]bool{"ab": true}, false},
		{"a.b", map[string]bool{".": true}, true},
		{"a", nil, false},
	} {
		if got := covered(tc.name, tc.uses); got != tc.want {
			t.Errorf("%s, where %v are used: %v", tc.name, tc.uses, got)
		}
	}
}
