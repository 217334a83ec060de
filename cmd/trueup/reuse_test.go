package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

var (
	reuseCommits = flag.Int("reuse.commits", 40, "commits of each random history")
	reuseSeeds   = flag.Uint64("reuse.seeds", 4, "random histories")
	reuseFirst   = flag.Uint64("reuse.first", 1, "the first history's seed")
)

// TestReuseEqualsRendering: over random repositories and random commits, what
// the cache answers is byte for byte what rendering everything anew gives, and
// so is the failure. go test ./cmd/trueup -run Reuse -reuse.seeds 1000 goes on
// for longer.
func TestReuseEqualsRendering(t *testing.T) {
	t.Parallel()
	for seed := *reuseFirst; seed < *reuseFirst+*reuseSeeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistoryOf(seed)
			shas := h.write(t, *reuseCommits)
			checkReuse(t, h, shas)
		})
	}
}

func checkReuse(t *testing.T, h *randomHistory, shas []string) {
	t.Helper()
	mirrors := git.New(git.Options{Dir: t.TempDir(), Files: true})
	renderer := render.New(engines(true), render.DefaultLimits())
	dir := t.TempDir()
	open := func() *render.Cache {
		store, err := diskcache.Open(dir, diskcache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return render.NewCache(renderer, render.CacheOptions{Store: store})
	}
	c := open()
	var reused, rendered uint64
	for i, sha := range shas {
		if h.rand.IntN(5) == 0 { // a restart
			reused, rendered = reused+c.Stats().Memory+c.Stats().Disk, rendered+c.Stats().Total()
			c = open()
		}
		tree, err := mirrors.Tree(t.Context(), snapshot.Location{RepoURL: "file://" + h.dir, Revision: sha})
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range randomSources() {
			req := render.Request{
				Tree: tree, App: "shop", Namespace: "shop", Source: source, Refs: map[string]snapshot.Tree{"values": tree},
				Capabilities: render.NewCapabilities(fmt.Sprintf("1.%d.0", 30+i/20), []string{"v1", "apps/v1"}),
			}
			want, wantErr := renderer.Render(t.Context(), req)
			got, gotErr := c.Render(t.Context(), req)
			if diff := cmp.Diff(printed(t, want, wantErr), printed(t, got, gotErr)); diff != "" {
				t.Fatalf("seed %d, commit %d (%s), %s, %s (-rendered +reused):\n%s", h.seed, i, h.subjects[i], source.Path, got.Cause, diff)
			}
		}
	}
	reused, rendered = reused+c.Stats().Memory+c.Stats().Disk, rendered+c.Stats().Total()
	if reused == 0 || rendered == 0 {
		t.Errorf("%d reused, %d rendered: the test shows nothing", reused, rendered)
	}
	t.Logf("%d reused, %d rendered", reused, rendered)
}

var commitInError = regexp.MustCompile(` at [0-9a-f]{7}`)

// printed is all that people see of a result.
func printed(t *testing.T, r render.Result, err error) string {
	t.Helper()
	var b strings.Builder
	for _, u := range r.Objects {
		data, err := json.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", data)
	}
	for _, line := range r.Warnings {
		fmt.Fprintln(&b, "warning:", line)
	}
	var origins []string
	for key, origin := range r.Origins {
		origins = append(origins, key.String()+" "+origin.String())
	}
	slices.Sort(origins)
	fmt.Fprintln(&b, strings.Join(origins, "\n"))
	if err != nil {
		// A failure that is remembered names the commit that it was found at.
		fmt.Fprintln(&b, "error:", commitInError.ReplaceAllString(err.Error(), ""))
	}
	return b.String()
}

// randomSources are applications of every kind, with and without options.
func randomSources() []v1alpha1.ApplicationSource {
	out := []v1alpha1.ApplicationSource{
		{Path: "overlays/eu", Kustomize: &v1alpha1.ApplicationSourceKustomize{NamePrefix: "x-", Components: []string{"../../parts/extra"}, IgnoreMissingComponents: true}},
		{Path: "plain/a", Directory: &v1alpha1.ApplicationSourceDirectory{Recurse: true, Exclude: "sub/c*"}},
		{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"values-eu.yaml", "/plain/values.yaml"}, IgnoreMissingValueFiles: true}},
		{Path: "chart", Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$values/plain/values.yaml"}, IgnoreMissingValueFiles: true}},
	}
	for _, p := range []string{"base", "overlays/eu", "overlays/us", "plain/a", "plain/b", "chart"} {
		out = append(out, v1alpha1.ApplicationSource{Path: p})
	}
	return out
}

// randomHistory makes commits from a seed.
type randomHistory struct {
	seed     uint64
	rand     *rand.Rand
	dir      string
	files    map[string]string // "-> target" is a symbolic link
	subjects []string
}

func newHistoryOf(seed uint64) *randomHistory {
	h := &randomHistory{seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), files: map[string]string{
		"base/kustomization.yaml":         "resources: [a.yaml]\n",
		"base/a.yaml":                     configMap("a", "1"),
		"parts/extra/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: extra}\n",
		"overlays/eu/kustomization.yaml":  "resources: [../../base]\nnameSuffix: -eu\n",
		"overlays/us/kustomization.yaml":  "resources: [../../base, more.yaml]\n",
		"overlays/us/more.yaml":           configMap("more", "1"),
		"plain/a/x.yaml":                  configMap("x", "1"),
		"plain/a/sub/y.yaml":              configMap("y", "1"),
		"plain/b/z.yaml":                  configMap("z", "1"),
		"plain/values.yaml":               "number: 7\n",
		"chart/Chart.yaml":                "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml":               "number: 1\n",
		"chart/templates/cm.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {number: {{ .Values.number | quote }}, kube: {{ include \"kube\" . }}}\n",
		"chart/templates/_helpers.tpl":    "{{ define \"kube\" }}v1{{ end }}\n",
		"chart/files/notes.txt":           "one\n",
		"chart/crds/crd.yaml":             "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n",
		"unrelated/README.md":             "hello\n",
		"unrelated/other/deployment.yaml": configMap("other", "1"),
	}}
	return h
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {value: %q}\n", name, value)
}

// change changes one thing and says what.
func (h *randomHistory) change() string {
	names := slices.Sorted(maps.Keys(h.files))
	name := names[h.rand.IntN(len(names))]
	dirs := []string{"base", "overlays/eu", "overlays/us", "plain/a", "plain/a/sub", "plain/b", "chart", "chart/templates", "parts/extra", "unrelated"}
	dir := dirs[h.rand.IntN(len(dirs))]
	value := fmt.Sprint(h.rand.IntN(5))
	switch n := h.rand.IntN(16); n {
	case 0, 1, 2:
		if strings.HasSuffix(name, ".yaml") && strings.Contains(h.files[name], "kind: ConfigMap") && !strings.Contains(h.files[name], "{{") {
			h.files[name] = configMap(strings.TrimSuffix(path.Base(name), ".yaml"), value)
			return "edit " + name
		}
		h.files[name] += "# " + value + "\n"
		return "append to " + name
	case 3:
		delete(h.files, name)
		return "delete " + name
	case 4, 5:
		file := path.Join(dir, "c"+value+".yaml")
		h.files[file] = configMap("c"+value, value)
		return "add " + file
	case 6:
		file := path.Join(dir, []string{"kustomization.yml", "Kustomization", "Chart.yaml", "kustomization.yaml"}[h.rand.IntN(4)])
		h.files[file] = []string{"resources: []\n", "nameSuffix: -v" + value + "\nresources: [c" + value + ".yaml]\n", "apiVersion: v2\nname: n\nversion: 1.0.0\n"}[h.rand.IntN(3)]
		return "add " + file
	case 7:
		h.files["chart/"+[]string{"values.yaml", "values-eu.yaml"}[h.rand.IntN(2)]] = "number: " + value + "\n"
		return "values of the chart"
	case 8:
		h.files["plain/values.yaml"] = "number: " + value + "\n"
		return "values beside the chart"
	case 9:
		h.files["chart/.helmignore"] = []string{"files/\n", "templates/c*\n", ""}[h.rand.IntN(3)]
		return "ignore files of the chart"
	case 10:
		h.files["chart/templates/_helpers.tpl"] = "{{ define \"kube\" }}" + []string{"v" + value, "{{ .Capabilities.KubeVersion.Version }}", "{{ .Files.Get \"files/notes.txt\" | trim }}", "{{ .Release.Namespace }}"}[h.rand.IntN(4)] + "{{ end }}\n"
		return "helpers of the chart"
	case 11:
		h.files[name] = "{ broken: [\n"
		return "break " + name
	case 12:
		file := path.Join(dir, "c"+value+".yaml")
		target := []string{"/etc/passwd", strings.Repeat("../", strings.Count(file, "/")) + name, "../../../../x"}[h.rand.IntN(3)]
		h.files[file] = "-> " + target
		return "link " + file + " to " + target
	case 13:
		h.files["overlays/us/kustomization.yaml"] = "resources: [../../base, more.yaml]\ncomponents: [../../parts/extra]\nconfigMapGenerator: [{name: gen, files: [../../plain/values.yaml]}]\n"
		return "rewrite an overlay"
	case 14:
		file := path.Join(dir, []string{".argocd-source.yaml", ".argocd-source-shop.yaml"}[h.rand.IntN(2)])
		h.files[file] = []string{"kustomize: {nameSuffix: -o" + value + "}\n", "helm: {values: \"number: " + value + "\"}\n", "directory: {recurse: true}\n"}[h.rand.IntN(3)]
		return "override with " + file
	default:
		h.files["unrelated/"+value] = value
		return "something unrelated"
	}
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
