package render_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func writeFile(dir, name, text string) error {
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(text), 0o600)
}

func symlink(dir, target, link string) error {
	return os.Symlink(filepath.FromSlash(target), filepath.Join(dir, filepath.FromSlash(link)))
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	base := v1alpha1.ApplicationSource{RepoURL: "https://git", Path: "app", TargetRevision: "main",
		Helm: &v1alpha1.ApplicationSourceHelm{ReleaseName: "web", ValueFiles: []string{"a.yaml"}, Parameters: []v1alpha1.HelmParameter{{Name: "x", Value: "1"}}}}
	with := func(change func(*v1alpha1.ApplicationSource)) v1alpha1.ApplicationSource {
		out := *base.DeepCopy()
		change(&out)
		return out
	}
	for _, tc := range []struct {
		reason string
		files  map[string]string
		id     string
		want   v1alpha1.ApplicationSource
		err    string
	}{
		{"no files", nil, "", base, ""},
		{"maps are merged, lists replaced", map[string]string{".argocd-source.yaml": "helm: {valueFiles: [b.yaml, c.yaml]}"}, "",
			with(func(s *v1alpha1.ApplicationSource) { s.Helm.ValueFiles = []string{"b.yaml", "c.yaml"} }), ""},
		{"the application's own file comes second", map[string]string{".argocd-source.yaml": "helm: {releaseName: all}", ".argocd-source-shop.yaml": "helm: {releaseName: own}"}, "",
			with(func(s *v1alpha1.ApplicationSource) { s.Helm.ReleaseName = "own" }), ""},
		{"another application's file does nothing", map[string]string{".argocd-source-other.yaml": "helm: {releaseName: other}"}, "", base, ""},
		{"in another namespace the file has its name", map[string]string{".argocd-source-shop.yaml": "helm: {releaseName: no}", ".argocd-source-team_shop.yaml": "helm: {releaseName: team}"}, "team_shop",
			with(func(s *v1alpha1.ApplicationSource) { s.Helm.ReleaseName = "team" }), ""},
		{"null removes", map[string]string{".argocd-source.yaml": "helm: {parameters: null}"}, "", with(func(s *v1alpha1.ApplicationSource) { s.Helm.Parameters = nil }), ""},
		{"where files are is not overridden", map[string]string{".argocd-source.yaml": "{repoURL: x, path: p, targetRevision: z, chart: c, ref: r}"}, "", base, ""},
		{"nothing in it", map[string]string{".argocd-source.yaml": "# nothing\n"}, "", base, ""},
		{"unknown fields do nothing", map[string]string{".argocd-source.yaml": "helm: {nope: 1}"}, "", base, ""},
		{"a text", map[string]string{".argocd-source.yaml": "hello"}, "", base, "app/.argocd-source.yaml: line 1: want fields"},
		{"broken YAML", map[string]string{".argocd-source-shop.yaml": "\nhelm: [\n"}, "", base, "app/.argocd-source-shop.yaml: line 2"},
		{"a field of another type", map[string]string{".argocd-source.yaml": "helm:\n  valueFiles: {a: b}\n"}, "", base,
			"read app/.argocd-source.yaml: line 2: helm.valueFiles: it is an object, and must be a list"},
		{"several fields of another type", map[string]string{".argocd-source.yaml": "helm:\n  valueFiles: [a.yaml, 1]\n  parameters:\n  - name: a\n    forceString: 'yes'\n"}, "", base,
			"line 5: helm.parameters[0].forceString: it is a text, and must be true or false\nline 2: helm.valueFiles[1]: it is number, and must be a text"},
		{"two types", map[string]string{".argocd-source.yaml": "kustomize: {namePrefix: x}"}, "", base, "helm, kustomize"},
	} {
		files := map[string]string{"app/Chart.yaml": ""}
		for name, text := range tc.files {
			files["app/"+name] = text
		}
		var got v1alpha1.ApplicationSource
		r := render.New(map[render.Type]render.Engine{render.Helm: engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
			got = req.Source
			return nil, nil
		})}, render.DefaultLimits())
		req := request(files, base)
		req.ID = tc.id
		result, err := r.Render(t.Context(), req)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) || fault.Of(err) != fault.Invalid {
				t.Errorf("%s: error %v", tc.reason, err)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
		}
		id := tc.id
		if id == "" {
			id = "shop"
		}
		for _, name := range []string{"app/.argocd-source.yaml", "app/.argocd-source-" + id + ".yaml"} {
			changed := fstest.MapFS{}
			for name, text := range files {
				changed[name] = &fstest.MapFile{Data: []byte(text)}
			}
			changed[name] = &fstest.MapFile{Data: []byte("helm: {releaseName: changed}")}
			if result.Reads.Tree.Holds(changed) {
				t.Errorf("%s: a changed or added %s is not noticed", tc.reason, name)
			}
		}
	}
}

// TestIdleOverrides: what changes nothing is told, with its place.
func TestIdleOverrides(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"directory: {recurse: true}\n", nil},
		{"directory:\n  recurze: true\n  jsonnet:\n    libz: [a]\n", []string{"app/.argocd-source.yaml:4: unknown field directory.jsonnet.libz", "app/.argocd-source.yaml:2: unknown field directory.recurze"}},
		{"# ours\nrepoURL: x\nref: r\npath: ''\nnope: 1\n", []string{
			"app/.argocd-source.yaml:5: unknown field nope",
			"app/.argocd-source.yaml:2: repoURL has no effect here: where the files are is for the application to say",
			"app/.argocd-source.yaml:3: ref has no effect here: where the files are is for the application to say",
		}},
		{"Directory: {Recurse: true}\n", nil}, // as Argo CD reads it
		{"# nothing\n", nil},
	} {
		result, err := render.New(nil, render.DefaultLimits()).Render(t.Context(),
			request(map[string]string{"app/.argocd-source.yaml": tc.text}, v1alpha1.ApplicationSource{Path: "app"}))
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		}
		if diff := cmp.Diff(tc.want, result.Warnings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.text, diff)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	req := render.Request{
		Tree: snapshot.Tree{Commit: snapshot.Commit{SHA: "0123456789abcdef0123456789abcdef01234567"}},
		App:  "shop", Namespace: "ns", Project: "team", Capabilities: render.NewCapabilities("1.37.2", []string{"v1", "apps/v1"}),
		Source: v1alpha1.ApplicationSource{Path: "app", RepoURL: "https://git", TargetRevision: "main"},
	}
	for _, tc := range []struct{ reason, in, want string }{
		{"the application", "$ARGOCD_APP_NAME ${ARGOCD_APP_NAMESPACE} $ARGOCD_APP_PROJECT_NAME", "shop ns team"},
		{"the commit", "$ARGOCD_APP_REVISION", "0123456789abcdef0123456789abcdef01234567"},
		{"its short forms", "$ARGOCD_APP_REVISION_SHORT $ARGOCD_APP_REVISION_SHORT_8", "0123456 01234567"},
		{"the source", "$ARGOCD_APP_SOURCE_PATH $ARGOCD_APP_SOURCE_REPO_URL $ARGOCD_APP_SOURCE_TARGET_REVISION", "app https://git main"},
		{"the cluster", "$KUBE_VERSION $KUBE_API_VERSIONS", "1.37.2 v1,apps/v1"},
		{"a name ends where no letter follows", "$ARGOCD_APP_NAME-x/${ARGOCD_APP_NAME}x", "shop-x/shopx"},
		{"two dollar signs are one", "$$HOME costs $$5", "$HOME costs $5"},
		{"what is not known is empty", "a$HOME-b${NOPE}c", "a-bc"},
		{"no dollar sign", "plain", "plain"},
	} {
		if got := req.Expand(tc.in); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.reason, got, tc.want)
		}
	}
	req.ID = "team_shop"
	if got := req.Expand("$ARGOCD_APP_NAME"); got != "team_shop" {
		t.Errorf("the name of an application in another namespace is %q", got)
	}
}

// TestRevisionsAreAnswers: a result that shows the commit or the revision is
// rendered again for another one; others are not.
func TestRevisionsAreAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, text   string
		commit, target bool
	}{
		{"nothing of it", "$ARGOCD_APP_NAME", true, true},
		{"the commit", "$ARGOCD_APP_REVISION_SHORT", false, true},
		{"the revision", "$ARGOCD_APP_SOURCE_TARGET_REVISION", true, false},
	} {
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{TargetRevision: "main"})
		result, err := render.New(map[render.Type]render.Engine{render.Helm: engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
			req.Expand(tc.text)
			return nil, nil
		})}, render.DefaultLimits()).Render(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		commit, target := req, req
		commit.Tree.Commit.SHA, target.Source.TargetRevision = "abc", "v2"
		holds := func(req render.Request) bool { return result.Reads.Changed(t.Context(), req) == render.Cause{} }
		if a, b := holds(commit), holds(target); a != tc.commit || b != tc.target {
			t.Errorf("%s: holds for another commit %t, for another revision %t", tc.reason, a, b)
		}
	}
}

// TestReadingIsBounded: whatever engine reads too much, by whatever way, is
// told so, also when it makes nothing of the failure.
func TestReadingIsBounded(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 600<<10)
	limits := render.Limits{Files: 10, Bytes: 1 << 20, Output: 1 << 20}
	for _, tc := range []struct {
		reason string
		engine engine
		want   string
	}{
		{"the same small file again and again", func(_ context.Context, req render.Request) ([]render.Manifest, error) {
			for range 11 {
				_, _ = req.Tree.FS.ReadFile("Chart.yaml")
			}
			return nil, nil
		}, "more than 10 files"},
		{"large files of another source", func(_ context.Context, req render.Request) ([]render.Manifest, error) {
			for range 2 {
				_, _ = req.Refs["values"].FS.ReadFile("large")
			}
			return nil, nil
		}, "more than 1 MiB"},
		{"large files of another repository, opened", func(ctx context.Context, req render.Request) ([]render.Manifest, error) {
			tree, err := req.More.Tree(ctx, snapshot.Location{RepoURL: "base"})
			for range 2 {
				_, _ = tree.FS.Open("large")
			}
			return nil, err
		}, "more than 1 MiB"},
		{"an engine that reads on when its time is over", func(_ context.Context, req render.Request) ([]render.Manifest, error) {
			for {
				if _, err := req.Tree.FS.ReadDir("."); err != nil {
					return nil, nil
				}
			}
		}, "longer than"},
		{"much to apply", func(context.Context, render.Request) ([]render.Manifest, error) {
			return []render.Manifest{manifestOf("a", large), manifestOf("b", large)}, nil
		}, "more than 1 MiB of objects"},
	} {
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{})
		req.Refs = map[string]snapshot.Tree{"values": {FS: fstest.MapFS{"large": {Data: []byte(large)}}}}
		req.More = shelf{"base": {"large": {Data: []byte(large)}}}
		limits, kind := limits, fault.Invalid
		if tc.want == "longer than" {
			limits.Time, kind = 50*time.Millisecond, fault.Transient
		}
		_, err := render.New(map[render.Type]render.Engine{render.Helm: tc.engine}, limits).Render(t.Context(), req)
		if fault.Of(err) != kind || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.reason, err)
		}
	}
}

func manifestOf(name, text string) render.Manifest {
	return render.Manifest{Object: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"text": text},
	}}}
}

func TestAPluginSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "cdk8s"} {
		_, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), request(nil, v1alpha1.ApplicationSource{Plugin: &v1alpha1.ApplicationSourcePlugin{Name: name}}))
		if err == nil || fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "commit what the plugin generates") {
			t.Errorf("plugin %q: %v", name, err)
		}
	}
}
