package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

const (
	configURL = "https://git.example.com/shop/config.git"
	valuesURL = "https://git.example.com/shop/values.git"
	basesURL  = "https://git.example.com/shop/bases.git"
)

// world gives one history as three repositories, of which two lag behind, and
// a cluster that is upgraded now and then.
type world struct {
	emptyCluster
	mirrors *git.Mirrors
	url     string
	shas    []string
	now     int
}

// Tree implements reconcile.Sources and render.Opener.
func (w *world) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	i := w.now
	switch {
	case at.Revision == "v1":
		i = min(i, 2)
	case at.RepoURL == valuesURL:
		i = i / 3 * 2
	case at.RepoURL == basesURL:
		i = max(0, i-5)
	}
	tree, err := w.mirrors.Tree(ctx, snapshot.Location{RepoURL: w.url, Revision: w.shas[i]})
	tree.Commit.Repo, tree.Commit.Ref = at.RepoURL, at.Revision
	return tree, err
}

// Cluster implements reconcile.Clusters.
func (w *world) Cluster(context.Context, v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: "world", Objects: w, Kinds: w}, nil
}

func (w *world) kube() string { return fmt.Sprintf("1.%d.0", 30+w.now/20) }

// Capabilities implements reconcile.Kinds.
func (w *world) Capabilities(context.Context) (render.Capabilities, error) {
	return render.NewCapabilities(w.kube(), []string{"v1", "apps/v1"}), nil
}

// randomSources are applications of every kind, with and without options.
func randomSources() [][]v1alpha1.ApplicationSource {
	values := v1alpha1.ApplicationSource{RepoURL: valuesURL, Ref: "values"}
	jsonnet := v1alpha1.ApplicationSourceJsonnet{
		Libs:    []string{"jsonnet/vendor", "jsonnet/more"},
		ExtVars: []v1alpha1.JsonnetVar{{Name: "env", Value: "eu"}, {Name: "count", Value: "1 + 2", Code: true}},
		TLAs:    []v1alpha1.JsonnetVar{{Name: "name", Value: "shop"}},
	}
	out := [][]v1alpha1.ApplicationSource{
		{{Path: "overlays/eu", Kustomize: &v1alpha1.ApplicationSourceKustomize{NamePrefix: "x-", Components: []string{"../../parts/extra"}, IgnoreMissingComponents: true}}},
		{{Path: "plain/a", Directory: &v1alpha1.ApplicationSourceDirectory{Recurse: true, Exclude: "sub/c*"}}},
		{{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"values-eu.yaml", "/plain/values.yaml"}, IgnoreMissingValueFiles: true}}},
		{{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"values-*.yaml", "/sealed/values.yaml"}, IgnoreMissingValueFiles: true,
			FileParameters: []v1alpha1.HelmFileParameter{{Name: "notes", Path: "files/notes.txt"}}}}},
		{{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$values/plain/values.yaml", "$values/chart/values-*.yaml"}, IgnoreMissingValueFiles: true}}, values},
		{{Path: "plain/a", Kustomize: nil}, {Path: "base"}, {RepoURL: basesURL, Path: "plain/b", TargetRevision: "v1"}},
		{{Path: "jsonnet/app", Directory: &v1alpha1.ApplicationSourceDirectory{Jsonnet: jsonnet}}},
	}
	for _, p := range []string{"base", "overlays/eu", "overlays/us", "overlays/charted", "overlays/remote", "plain/a", "plain/b", "chart", "sealed", "sealed/kustomize", "jsonnet/plain"} {
		out = append(out, []v1alpha1.ApplicationSource{{Path: p}})
	}
	for _, sources := range out {
		for i := range sources {
			if sources[i].RepoURL == "" {
				sources[i].RepoURL = configURL
			}
		}
	}
	return out
}

// randomHistory makes commits from a seed.
type randomHistory struct {
	seed     uint64
	rand     *rand.Rand
	dir      string
	start    map[string]string
	files    map[string]string // "-> target" is a symbolic link
	sealed   []string          // encrypted files: for alice, bob, alice and any of them
	subjects []string
	// also makes a third of the changes; nil makes none.
	also func(*randomHistory) string
}

func newHistoryOf(t *testing.T, seed uint64) *randomHistory {
	t.Helper()
	h := &randomHistory{seed: seed, rand: rand.New(rand.NewPCG(seed, 1))}
	for _, name := range []string{"secret.yaml", "bob.yaml", "multi.yaml", "either.yaml"} {
		h.sealed = append(h.sealed, string(sealedFile(t, "sealed", name)))
	}
	h.start = map[string]string{
		"base/kustomization.yaml":             "resources: [a.yaml]\n",
		"base/a.yaml":                         configMap("a", "1"),
		"parts/extra/kustomization.yaml":      "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: extra}\n",
		"overlays/eu/kustomization.yaml":      "resources: [../../base]\nnameSuffix: -eu\n",
		"overlays/us/kustomization.yaml":      "resources: [../../base, more.yaml]\n",
		"overlays/us/more.yaml":               configMap("more", "1"),
		"overlays/charted/kustomization.yaml": charted("1"),
		"overlays/charted/values.yaml":        "number: 3\n",
		"overlays/remote/kustomization.yaml":  "resources: [\"" + basesURL + "//base?ref=main\", ../../plain/b/z.yaml]\n",
		"plain/a/x.yaml":                      configMap("x", "1"),
		"plain/a/sub/why.yaml":                configMap("why", "1"),
		"plain/b/z.yaml":                      configMap("z", "1"),
		"plain/values.yaml":                   "number: 7\n",
		"chart/Chart.yaml":                    "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml":                   "number: 1\n",
		"chart/templates/cm.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {number: {{ .Values.number | quote }}, kube: {{ include \"kube\" . }}}\n",
		"chart/templates/_helpers.tpl":        "{{ define \"kube\" }}v1{{ end }}\n",
		"chart/files/notes.txt":               "one\n",
		"chart/crds/crd.yaml":                 "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n",
		"sealed/secret.yaml":                  h.sealed[0],
		"sealed/values.yaml":                  h.sealed[2],
		"sealed/kustomize/kustomization.yaml": "secretGenerator: [{name: gen, files: [one.yaml]}]\nresources: [two.yaml]\n",
		"sealed/kustomize/one.yaml":           h.sealed[3],
		"sealed/kustomize/two.yaml":           h.sealed[0],
		"jsonnet/app/main.jsonnet":            "local web = import 'web.libsonnet';\nfunction(name) web.cm(name, { notes: importstr 'notes.txt', env: std.extVar('env'), count: '' + std.extVar('count') })\n",
		"jsonnet/app/notes.txt":               "hello\n",
		"jsonnet/vendor/web.libsonnet":        "(import 'lib.libsonnet') + { kind:: 'ConfigMap' }\n",
		"jsonnet/more/lib.libsonnet":          lib("1"),
		"jsonnet/plain/a.jsonnet":             "[(import '../more/lib.libsonnet').cm('plain', {})]\n",
		"jsonnet/plain/b.yaml":                configMap("b", "1"),
		"unrelated/README.md":                 "hello\n",
		"unrelated/other/deployment.yaml":     configMap("other", "1"),
	}
	h.files = maps.Clone(h.start)
	return h
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, value)
}

func lib(value string) string {
	return "{ cm(name, data):: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: { lib: '" + value + "' } + data } }\n"
}

// charted is a kustomization with a chart of the repository, and values.
func charted(value string) string {
	return "helmGlobals: {chartHome: ../..}\nhelmCharts:\n- {name: chart, releaseName: charted, valuesFile: values.yaml, valuesInline: {extra: " + value + "}, includeCRDs: true}\n"
}

// pick is one of several.
func (h *randomHistory) pick(of ...string) string { return of[h.rand.IntN(len(of))] }

// change changes one thing and says what.
func (h *randomHistory) change() string {
	if h.also != nil && h.rand.IntN(3) == 0 {
		return h.also(h)
	}
	name := h.pick(slices.Sorted(maps.Keys(h.files))...)
	dir := h.pick("base", "overlays/eu", "overlays/us", "overlays/charted", "plain/a", "plain/a/sub", "plain/b", "chart", "chart/templates", "parts/extra", "sealed", "jsonnet/app", "jsonnet/vendor", "jsonnet/plain", "unrelated")
	value := fmt.Sprint(h.rand.IntN(5))
	switch h.rand.IntN(24) {
	case 0, 1, 2:
		if strings.HasSuffix(name, ".yaml") && strings.Contains(h.files[name], "kind: ConfigMap") && !strings.Contains(h.files[name], "{{") {
			return h.put(name, configMap(strings.TrimSuffix(path.Base(name), ".yaml"), value))
		}
		return h.put(name, h.files[name]+"# "+value+"\n")
	case 3:
		delete(h.files, name)
		return "delete " + name
	case 4, 5:
		return h.put(path.Join(dir, "c"+value+".yaml"), configMap("c"+value, value))
	case 6:
		file := path.Join(dir, h.pick("kustomization.yml", "Kustomization", "Chart.yaml", "kustomization.yaml"))
		return h.put(file, h.pick("resources: []\n", "nameSuffix: -v"+value+"\nresources: [c"+value+".yaml]\n", "apiVersion: v2\nname: n\nversion: 1.0.0\n"))
	case 7:
		return h.put("chart/"+h.pick("values.yaml", "values-eu.yaml", "values-"+value+".yaml"), "number: "+value+"\n")
	case 8:
		return h.put("plain/values.yaml", "number: "+value+"\n")
	case 9:
		return h.put("chart/.helmignore", h.pick("files/\n", "templates/c*\n", ""))
	case 10:
		return h.put("chart/templates/_helpers.tpl", "{{ define \"kube\" }}"+h.pick("v"+value, "{{ .Capabilities.KubeVersion.Version }}", "{{ .Files.Get \"files/notes.txt\" | trim }}", "{{ .Release.Namespace }}", "{{ len (.Files.Glob \"files/*\") }}", "{{ .Values.notes | default \"none\" | trim }}")+"{{ end }}\n")
	case 11:
		return h.put(name, "{ broken: [\n")
	case 12:
		file := path.Join(dir, "c"+value+".yaml")
		return h.put(file, "-> "+h.pick("/etc/passwd", strings.Repeat("../", strings.Count(file, "/"))+name, "../../../../x"))
	case 13:
		return h.put("overlays/us/kustomization.yaml", "resources: [../../base, more.yaml]\ncomponents: [../../parts/extra]\nconfigMapGenerator: [{name: gen, files: [../../plain/values.yaml]}]\n")
	case 14:
		file := path.Join(dir, h.pick(".argocd-source.yaml", ".argocd-source-shop.yaml"))
		return h.put(file, h.pick("kustomize: {nameSuffix: -o"+value+"}\n", "helm: {values: \"number: "+value+"\"}\n", "directory: {recurse: true}\n",
			"directory: {jsonnet: {extVars: [{name: env, value: us}, {name: count, value: \""+value+"\", code: true}], libs: [jsonnet/more]}}\n"))
	case 15:
		return h.put("overlays/charted/"+h.pick("kustomization.yaml", "values.yaml"), h.pick(charted(value), "number: "+value+"\n"))
	case 16:
		return h.put(h.pick("overlays/remote/kustomization.yaml", "overlays/us/kustomization.yaml"), "resources: [\""+basesURL+"//"+h.pick("base?ref=main", "base?ref=v1", "overlays/eu?ref=main", "plain/b/z.yaml?ref=main")+"\"]\nnameSuffix: -r"+value+"\n")
	case 17, 18:
		file := h.pick("sealed/secret.yaml", "sealed/values.yaml", "sealed/kustomize/one.yaml", "sealed/kustomize/two.yaml", "plain/b/s.yaml", "chart/files/s.yaml")
		text := h.pick(h.sealed...)
		if h.rand.IntN(6) == 0 {
			text = strings.Replace(text, "data:", "data:A", 1) // damaged
		}
		return h.put(file, text)
	case 19:
		return h.put(h.pick("jsonnet/app", "jsonnet/vendor", "jsonnet/more")+"/lib.libsonnet", h.pick(lib(value), lib(value), "{}\n"))
	case 20:
		return h.put(h.pick("jsonnet/app/main.jsonnet", "jsonnet/plain/a.jsonnet", "jsonnet/plain/d.jsonnet"), h.pick(
			"local web = import 'web.libsonnet';\nfunction(name) [web.cm(name + '"+value+"', {}), web.cm('other', { n: importstr 'notes.txt' })]\n",
			"(import 'lib.libsonnet').cm('n"+value+"', {})\n", "(import '../more/lib.libsonnet').cm('m"+value+"', { env: std.extVar('env') })\n"))
	case 21, 22:
		back := h.pick(slices.Sorted(maps.Keys(h.start))...)
		for other := range h.files { // what took its place goes
			if path.Dir(other) == path.Dir(back) && h.start[other] == "" {
				delete(h.files, other)
			}
		}
		return h.put(back, h.start[back])
	default:
		return h.put("unrelated/"+value, fmt.Sprint(h.rand.IntN(100)))
	}
}

func (h *randomHistory) put(name, content string) string {
	h.files[name] = content
	return "write " + name
}

// write makes the repository and returns the commits, the oldest first.
func (h *randomHistory) write(t *testing.T, commits int) []string {
	t.Helper()
	h.dir = t.TempDir()
	var stream bytes.Buffer
	for i := range commits {
		subject := "Start"
		if i > 0 {
			subject = h.change()
			for h.rand.IntN(3) == 0 {
				subject += "; " + h.change()
			}
		}
		h.subjects = append(h.subjects, subject)
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ana <a@example.com> %d +0000\ndata %d\n%s\ndeleteall\n", 1_700_000_000+i, len(subject), subject)
		for _, name := range slices.Sorted(maps.Keys(h.files)) {
			mode, data := "100644", h.files[name]
			if target, ok := strings.CutPrefix(data, "-> "); ok {
				mode, data = "120000", target
			}
			fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, name, len(data), data)
		}
	}
	command(t, h.dir, nil, "init", "-q", "-b", "main", "--bare")
	command(t, h.dir, &stream, "fast-import", "--quiet")
	return strings.Fields(command(t, h.dir, nil, "rev-list", "--reverse", "main"))
}

func command(t *testing.T, dir string, in *bytes.Buffer, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	if in != nil {
		cmd.Stdin = in
	}
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := cmd.Run(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, failure.String())
	}
	return out.String()
}
