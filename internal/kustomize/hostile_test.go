package kustomize_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func request(files snapshot.FS) render.Request {
	return render.Request{App: "a", Tree: snapshot.Tree{FS: files}, Source: v1alpha1.ApplicationSource{Path: "app"}, More: shelf{}}
}

// doubling has each of n overlays build on the next one twice, by two names.
func doubling(n int) map[string]string {
	files := map[string]string{"app/kustomization.yaml": "resources: [../a0]\n", "last/kustomization.yaml": "namePrefix: x-\n"}
	for i := range n {
		files[fmt.Sprintf("a%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../b%d, ../c%d]\n", i, i)
		next := fmt.Sprintf("../a%d", i+1)
		if i == n-1 {
			next = "../last"
		}
		for _, side := range []string{"b", "c"} {
			files[fmt.Sprintf("%s%d/kustomization.yaml", side, i)] = "resources: [" + next + "]\n"
		}
	}
	return files
}

func TestHostile(t *testing.T) {
	t.Parallel()
	const cm = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	bomb := cm + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for _, c := range "123456789" {
		bomb += "a" + string(c) + ": &a" + string(c) + " [" + strings.Repeat("*a"+string(c-1)+", ", 9) + "x]\n"
	}
	chain := "resources: [cm.yaml]\nreplacements:\n"
	for range 40 {
		chain += "- {source: {kind: ConfigMap, fieldPath: data.a}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.b], options: {delimiter: '-'}}]}\n"
		chain += "- {source: {kind: ConfigMap, fieldPath: data.b}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a], options: {delimiter: '-'}}]}\n"
	}
	ones := "data:\n" + strings.Repeat("- 1\n", 200_000)
	wide := ""
	for i := range 20_001 {
		wide += fmt.Sprintf("  k%d: a\n", i)
	}
	deep := map[string]string{"app/kustomization.yaml": "resources: [a]\n"}
	folder := "app"
	for range 100 {
		folder += "/a"
		deep[folder+"/kustomization.yaml"] = "resources: [a]\n"
	}
	many := "resources:\n"
	for i := range 100 {
		many += fmt.Sprintf("- https://git.example.com/acme/r%d//x?ref=v1.0.0\n", i)
	}
	for _, tc := range []struct {
		reason, says string
		files        map[string]string
	}{
		{"aliases in a resource", "unfold", map[string]string{"app/kustomization.yaml": "resources: [b.yaml]\n", "app/b.yaml": bomb}},
		{"aliases in a kustomization", "unfold", map[string]string{"app/kustomization.yaml": bomb}},
		{"aliases in a patch", "unfold", map[string]string{"app/kustomization.yaml": "patches:\n- patch: |-\n    " + strings.ReplaceAll(bomb, "\n", "\n    ") + "\n"}},
		{"aliases in a transformer", "unfold", map[string]string{"app/kustomization.yaml": "transformers:\n- |-\n    " + strings.ReplaceAll(bomb, "\n", "\n    ") + "\n"}},
		{"overlays that build on the next one twice, thirty times", "more than 5000 times", doubling(30)},
		{"a hundred levels", "more than 64 deep", deep},
		{"replacements that double each other", "could double", map[string]string{"app/kustomization.yaml": chain, "app/cm.yaml": cm + "data: {a: x-y, b: x-y}\n"}},
		{"vars that stand in a hundred thousand places", "vars stand in", map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\nvars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: a}, fieldref: {fieldpath: data.a}}]\n",
			"app/cm.yaml":            cm + "data:\n  a: " + strings.Repeat("x", 1<<16) + "\n  b: " + strings.Repeat("$(A)", 100_000) + "\n",
		}},
		{"a prefix of a megabyte", "longer than a name", map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: " + strings.Repeat("x", 1<<20), "app/cm.yaml": cm}},
		{"an absolute base", "from the root", map[string]string{"app/kustomization.yaml": "resources: [/base]\n", "base/kustomization.yaml": "namePrefix: a\n"}},
		{"an absolute file", "from the root", map[string]string{"app/kustomization.yaml": "crds: [/etc/passwd]\nconfigurations: [/etc/passwd]\nopenapi: {path: /etc/passwd}\n"}},
		{"files above the repository", "leaves the repository", map[string]string{"app/kustomization.yaml": "replacements: [{path: ../../x}]\nsecretGenerator: [{name: a, envs: [../../x]}]\n"}},
		{"the repository's own Git folder", "not a part", map[string]string{"app/kustomization.yaml": "secretGenerator: [{name: a, files: [../.git/config]}]\n", ".git/config": "token"}},
		{"a scheme without slashes, in capitals", "web server", map[string]string{"app/kustomization.yaml": "crds: ['HTTPS:example.com']\n"}},
		{"more values than memory can hold, in three files", "values of YAML", map[string]string{
			"app/kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml]\n", "app/a.yaml": cm + ones, "app/b.yaml": cm + ones, "app/c.yaml": cm + ones}},
		{"the same in patches", "values of YAML", map[string]string{
			"app/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: b.yaml}, {path: c.yaml}, {path: d.yaml}]\n",
			"app/a.yaml":             cm, "app/b.yaml": cm + ones, "app/c.yaml": cm + ones, "app/d.yaml": cm + ones}},
		{"the same in a base that is used three times", "values of YAML", map[string]string{
			"app/kustomization.yaml": "resources: [../x, ../y, ../z]\n", "base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": cm + ones,
			"x/kustomization.yaml": "namePrefix: x-\nresources: [../base]\n", "y/kustomization.yaml": "namePrefix: y-\nresources: [../base]\n",
			"z/kustomization.yaml": "namePrefix: z-\nresources: [../base]\n"}},
		{"the same in what a generator takes as well", "values of YAML", map[string]string{
			"app/kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml]\nconfigMapGenerator: [{name: t, files: [a.yaml, b.yaml, c.yaml]}]\n",
			"app/a.yaml":             cm + ones, "app/b.yaml": cm + ones, "app/c.yaml": cm + ones}},
		{"the same in one file that is a transformer", "values of YAML", map[string]string{
			"app/kustomization.yaml": "transformers: [a.yaml]\n", "app/a.yaml": cm + ones + ones + ones}},
		{"a map of more keys than can be compared", "more than 20000 keys", map[string]string{
			"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": cm + "data:\n" + wide}},
		{"a kustomization as a resource", "cannot be used", map[string]string{"app/kustomization.yaml": "resources: [../b/kustomization.yaml]\n", "b/kustomization.yaml": "resources: ['https://example.com/a']\n"}},
	} {
		_, err := kustomize.New(kustomize.Options{}).Render(t.Context(), request(tree(tc.files)))
		if err == nil || !strings.Contains(err.Error(), tc.says) || fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v, want %q", tc.reason, err, tc.says)
		}
	}
	t.Run("a hundred repositories", func(t *testing.T) {
		t.Parallel()
		all := shelf{}
		for i := range 100 {
			all[fmt.Sprintf("https://git.example.com/acme/r%d@v1.0.0", i)] = tree(map[string]string{"x/kustomization.yaml": "configMapGenerator: [{name: a}]\n"})
		}
		req := request(tree(map[string]string{"app/kustomization.yaml": many}))
		req.More = all
		_, err := kustomize.New(kustomize.Options{}).Render(t.Context(), req)
		if err == nil || !strings.Contains(err.Error(), "more than 32 repositories") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPeopleAreNotHostile holds what is like the above and must work.
func TestPeopleAreNotHostile(t *testing.T) {
	t.Parallel()
	big := ""
	for i := range 300 {
		big += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d, annotations: {x: \"$(A)\", y: %0500d}}\n", i, i)
	}
	const host = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: {name: n, host: a.b}\n"
	certificates := "resources: [cm.yaml]\nreplacements:\n"
	for range 40 {
		certificates += "- {source: {kind: ConfigMap, fieldPath: data.name}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.host], options: {delimiter: '.'}}]}\n"
	}
	dashboard := `{"panels":[` + strings.Repeat(`{"id":1,"title":"a & b * c"},`, 100_000) + `{}]}`
	crds := ""
	for i := range 20 {
		crds += fmt.Sprintf("---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a%d.example.com}\nspec:\n", i)
		for j := range 100 {
			crds += fmt.Sprintf("  field%d:\n    description: What the field is for, told in a line or two, with a default.\n      It is wrapped.\n"+
				"    type: object\n    properties:\n      name: {type: string}\n", j)
		}
	}
	for _, tc := range []struct {
		reason string
		files  map[string]string
	}{
		{"large texts that become values", map[string]string{
			"app/kustomization.yaml": "configMapGenerator: [{name: a, files: [x.json]}, {name: b, files: [x.json]}, {name: c, files: [y=x.json]}]\n", "app/x.json": dashboard}},
		{"megabytes of custom resource definitions", map[string]string{"app/kustomization.yaml": "resources: [crds.yaml]\n", "app/crds.yaml": crds}},
		{"objects with a var, in a large file", map[string]string{
			"app/kustomization.yaml": "resources: [big.yaml]\nvars: [{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: a1}}]\n", "app/big.yaml": big}},
		{"forty replacements of a part, from elsewhere", map[string]string{"app/kustomization.yaml": certificates, "app/cm.yaml": host}},
		{"ten levels that build on the next one", doubling(0)},
	} {
		if tc.reason == "ten levels that build on the next one" {
			tc.files = map[string]string{"app/kustomization.yaml": "resources: [../l0]\n"}
			for i := range 10 {
				tc.files[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%d]\nnamePrefix: a-\n", i+1)
			}
			tc.files["l10/kustomization.yaml"] = "configMapGenerator: [{name: a}]\n"
		}
		if _, err := kustomize.New(kustomize.Options{}).Render(t.Context(), request(tree(tc.files))); err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
}

// links is a tree in which one path leads out of it.
type links struct{ fstest.MapFS }

func (l links) ReadFile(name string) ([]byte, error) {
	if name == "app/out.yaml" {
		return nil, snapshot.Outside(name, "/etc/passwd")
	}
	return l.MapFS.ReadFile(name)
}

func (l links) Stat(name string) (fs.FileInfo, error) {
	if name == "app/folder" {
		return nil, snapshot.Outside(name, "/etc")
	}
	return l.MapFS.Stat(name)
}

func TestLinksOutOfTheTree(t *testing.T) {
	t.Parallel()
	for _, kustomization := range []string{
		"resources: [out.yaml]\n", "resources: [folder]\n", "patches: [{path: out.yaml}]\n", "secretGenerator: [{name: a, files: [out.yaml]}]\n",
		"transformers: [out.yaml]\n", "components: [folder]\n", "crds: [out.yaml]\n",
	} {
		files := links{tree(map[string]string{"app/kustomization.yaml": kustomization, "app/out.yaml": "", "app/cm.yaml": ""})}
		_, err := kustomize.New(kustomize.Options{}).Render(t.Context(), request(files))
		if err == nil || !strings.Contains(err.Error(), "outside of the repository") || fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v", kustomization, err)
		}
	}
}

// TestFailuresOfTreesStayWhatTheyAre: a fetch that fails today is not a
// mistake of the kustomization, whatever else is wrong.
func TestFailuresOfTreesStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	req := request(tree(map[string]string{"app/kustomization.yaml": "resources: [none.yaml, \"https://git.example.com/a/b?ref=v1.0.0\"]\n"}))
	req.More = opener(func() error { return fault.New(fault.Transient, "connection refused") })
	_, err := kustomize.New(kustomize.Options{}).Render(t.Context(), req)
	if fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "none.yaml is not there") {
		t.Errorf("got %v (%s)", err, fault.Of(err))
	}
}

type opener func() error

func (o opener) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{}, o()
}

// cancelling ends the context when a file is read.
type cancelling struct {
	fstest.MapFS
	cancel context.CancelFunc
	reads  *int
}

func (c cancelling) ReadFile(name string) ([]byte, error) {
	if name == "app/r0.yaml" {
		c.cancel()
	}
	if strings.HasPrefix(name, "app/r") {
		*c.reads++
	}
	return c.MapFS.ReadFile(name)
}

func TestCancelling(t *testing.T) {
	t.Parallel()
	files := map[string]string{"app/kustomization.yaml": "resources: [r0.yaml"}
	for i := range 50 {
		files[fmt.Sprintf("app/r%d.yaml", i)] = fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n", i)
		if i > 0 {
			files["app/kustomization.yaml"] += fmt.Sprintf(", r%d.yaml", i)
		}
	}
	files["app/kustomization.yaml"] += "]\n"
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	_, err := kustomize.New(kustomize.Options{}).Render(ctx, request(cancelling{tree(files), cancel, &reads}))
	if !errors.Is(err, context.Canceled) || reads > 2 {
		t.Errorf("after %d reads: %v", reads, err)
	}
}

// FuzzRender feeds a kustomization, a file and what a base holds. Whatever
// they say, nothing is fetched, nothing panics, and nothing is read that is
// not in the trees.
func FuzzRender(f *testing.F) {
	f.Add("resources: [../base, f]\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "configMapGenerator: [{name: b, files: [x]}]\n")
	f.Add("components: ['https://github.com/a/b?ref=v1.0.0']\ntransformers: [f]\n", "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: http://127.0.0.1:1/\n", "kind: Component\n")
	f.Add("openapi: {path: f}\npatches: [{path: f, target: {kind: .*}}]\n", "[{\"op\": \"add\", \"path\": \"/a/-\", \"value\": 1}]", "resources: [../app]\n")
	f.Add("replacements: [{path: f}]\nresources: [../base]\nvars: [{name: A}]\n", "- {source: {kind: A, fieldPath: a.b}, targets: [{select: {}, fieldPaths: ['*']}]}\n", "generators: [|-\n  a: &a [*a]]\n")
	engine := kustomize.New(kustomize.Options{Charts: helm.New()})
	f.Fuzz(func(t *testing.T, kustomization, file, base string) {
		if len(kustomization)+len(file)+len(base) > 1<<14 {
			t.Skip("what is long is slow, and no different")
		}
		req := request(tree(map[string]string{"app/kustomization.yaml": kustomization, "app/f": file, "base/kustomization.yaml": base, "base/x": "x"}))
		req.More = opener(func() error { return fault.New(fault.Missing, "no such tree") })
		r := render.New(map[render.Type]render.Engine{render.Kustomize: engine}, render.DefaultLimits())
		_, err := r.Render(t.Context(), req)
		if err != nil && (strings.Contains(err.Error(), "the engine failed") || strings.Contains(err.Error(), "dial tcp") || strings.Contains(err.Error(), "git fetch")) {
			t.Error(err)
		}
	})
}
