package render_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestDirectoryFiles: which files are manifests, and what is made of each.
func TestDirectoryFiles(t *testing.T) {
	t.Parallel()
	type dir = v1alpha1.ApplicationSourceDirectory
	for _, tc := range []struct {
		reason  string
		files   map[string]string
		options *dir
		want    string
		err     string
	}{
		{"the marker counts anywhere in a file, even in a text", map[string]string{"a.yaml": cm("a") + "data: {x: see +argocd:skip-file-rendering}\n", "b.yaml": cm("b")}, nil, "b", ""},
		{"a marked file need not be YAML", map[string]string{"a.yaml": "{{ x }}\napiVersion: kind: metadata:\n# +argocd:skip-file-rendering"}, nil, "", ""},
		{"an extension in capitals is another one", map[string]string{"a.YAML": cm("a"), "b.yml": cm("b")}, nil, "b", ""},
		{"without the filter every file counts", map[string]string{"a.txt": cm("a"), "b": cm("b"), "c.md": "# words"}, &dir{DisableExtensionFilter: true}, "a b", ""},
		{"with include, without the filter", map[string]string{"a.txt": cm("a"), "b.tmpl": cm("b")}, &dir{DisableExtensionFilter: true, Include: "*.txt"}, "a", ""},
		{"alternatives in a glob", map[string]string{"a.yaml": cm("a"), "b.yaml": cm("b"), "c.yaml": cm("c")}, &dir{Include: "{a,c}.yaml"}, "a c", ""},
		{"a star crosses folders", map[string]string{"x/y/a.yaml": cm("a")}, &dir{Recurse: true, Include: "*.yaml"}, "a", ""},
		{"exclude of a whole folder", map[string]string{"x/a.yaml": cm("a"), "b.yaml": cm("b")}, &dir{Recurse: true, Exclude: "x/**"}, "b", ""},
		{"a glob that is none", map[string]string{"a.yaml": cm("a")}, &dir{Include: "[a"}, "", "directory.include"},
		{"values of a chart are left out", map[string]string{"values.yaml": "image: {tag: v1}\n", "b.yaml": cm("b")}, nil, "b", ""},
		{"a template that is not YAML and names nothing of Kubernetes", map[string]string{"t.yaml": "{{ range . }}\n- a: [\n", "b.yaml": cm("b")}, nil, "b", ""},
		{"JSON without a kind", map[string]string{"package.json": `{"name": "x"}`, "b.yaml": cm("b")}, nil, "b", ""},
		{"JSON that is no object", map[string]string{"x.json": `[1]`}, nil, "", "x.json"},
		{"JSON that is broken", map[string]string{"x.json": `{"a": `}, nil, "", "x.json"},
		{"a broken file that may have been meant", map[string]string{"a.yaml": "apiVersion: v1\nkind: X: y\nmetadata: {}\n"}, nil, "", "a.yaml:2"},
		{"a broken file that names a kind and no more", map[string]string{"a.yaml": "kind: ConfigMap\nmetadata: [\n", "b.yaml": cm("b")}, nil, "", "a.yaml:"},
		{"something else beside an object in one file", map[string]string{"a.yaml": cm("a") + "---\nx: y\n"}, nil, "", "a.yaml:5"},
		{"a kind without a name", map[string]string{"a.yaml": "kind: Pod\napiVersion: v1\n"}, nil, "", "a.yaml:1"},
		{"JSON values in a row", map[string]string{"a.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}` + "\n" + `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}`}, nil, "a b", ""},
		{"a list, and one that is empty", map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\napiVersion: v1\nkind: ConfigMapList\nitems: null\n"}, nil, "a", ""},
		{"an empty file, and one with comments", map[string]string{"a.yaml": "", "b.yaml": "# nothing\n---\n"}, nil, "", ""},
		{"a key given twice says so, though Argo CD takes the last", map[string]string{"a.yaml": cm("a") + "data: {x: '1', x: '2'}\n"}, nil, "", "a.yaml:4"},
		{"a hidden file and a hidden folder are files as others", map[string]string{".a.yaml": cm("a"), ".x/b.yaml": cm("b")}, &dir{Recurse: true}, "a b", ""},
		{"overrides are no manifests", map[string]string{".argocd-source.yaml": "directory: {recurse: true}\n", "x/a.yaml": cm("a")}, nil, "a", ""},
		{"Jsonnet needs an evaluator", map[string]string{"a.jsonnet": "{}"}, nil, "", "a.jsonnet"},
		{"a library alone is nothing", map[string]string{"a.libsonnet": "{}", "b.yaml": cm("b")}, nil, "b", ""},
		{"too much together", map[string]string{"a.yaml": "# " + strings.Repeat("x", 7<<20), "b.yaml": "# " + strings.Repeat("x", 7<<20), "c.yaml": "# " + strings.Repeat("x", 7<<20),
			"d.yaml": "# " + strings.Repeat("x", 7<<20), "e.yaml": "# " + strings.Repeat("x", 7<<20)}, nil, "", "32 MiB"},
	} {
		got, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), request(tc.files, v1alpha1.ApplicationSource{Directory: tc.options}))
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) || fault.Of(err) != fault.Invalid {
				t.Errorf("%s: error %v", tc.reason, err)
			}
			continue
		}
		names := strings.ReplaceAll(strings.Join(keys(got.Objects), " "), "ConfigMap ", "")
		if err != nil || names != tc.want {
			t.Errorf("%s: got %q, want %q, error %v", tc.reason, names, tc.want, err)
		}
	}
}

func TestDirectoryGeneratesNames(t *testing.T) {
	t.Parallel()
	got, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), request(map[string]string{
		"a.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {generateName: check-}\n",
	}, v1alpha1.ApplicationSource{}))
	if err != nil || len(got.Objects) != 2 {
		t.Errorf("%d objects, %v", len(got.Objects), err)
	}
}

func TestDirectoryLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := writeFile(dir, name, text); err != nil {
			t.Fatal(err)
		}
	}
	write("shared/a.yaml", cm("a"))
	write("app/b.yaml", cm("b"))
	for link, target := range map[string]string{"app/link.yaml": "../shared/a.yaml", "app/nowhere.yaml": "absent.yaml", "app/folder.yaml": "../shared"} {
		if err := symlink(dir, target, link); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := snapshot.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	req := render.Request{Tree: tree, App: "shop", Source: v1alpha1.ApplicationSource{Path: "app"}}
	got, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), req)
	if diff := cmp.Diff([]string{"ConfigMap a", "ConfigMap b"}, keys(got.Objects)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := symlink(dir, "/etc/passwd", "app/out.yaml"); err != nil {
		t.Fatal(err)
	}
	if _, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), req); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "out.yaml") {
		t.Errorf("a link out of the repository: %v", err)
	}
}

// BenchmarkDirectory renders a folder of 1000 Deployments.
func BenchmarkDirectory(b *testing.B) {
	const objects = 1000
	files := fstest.MapFS{}
	for i := range objects {
		name := "web-" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		files[name+".yaml"] = &fstest.MapFile{Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\n  labels: {app: web}\nspec:\n  replicas: 3\n  selector:\n    matchLabels: {app: web}\n" +
			"  template:\n    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:1\n        ports:\n        - containerPort: 8080\n")}
	}
	r := render.New(nil, render.DefaultLimits())
	req := render.Request{Tree: snapshot.Tree{FS: files}, App: "shop", Namespace: "shop"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*objects), "ns/object")
}
