package render_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

func request(files map[string]string, source v1alpha1.ApplicationSource) render.Request {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return render.Request{Tree: snapshot.Tree{FS: m}, App: "shop", Namespace: "shop", Source: source}
}

func keys(objects []*unstructured.Unstructured) []string {
	var out []string
	for _, u := range objects {
		out = append(out, object.KeyOf(u).String())
	}
	return out
}

func cm(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"apps/b.yaml":       cm("b") + "---\n# nothing\n---\n" + cm("b2"),
		"apps/a.yml":        cm("a"),
		"apps/c.json":       `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}]}`,
		"apps/notes.txt":    "hello",
		"apps/skip.yaml":    "# +argocd:skip-file-rendering\n" + cm("skipped"),
		"apps/sub/d.yaml":   cm("d"),
		"other/e.yaml":      cm("e"),
		"apps/sub/e.yaml":   cm("e"),
		"apps/sub/x/f.yaml": cm("f"),
	}
	for _, tc := range []struct {
		reason string
		path   string
		dir    *v1alpha1.ApplicationSourceDirectory
		want   string
	}{
		{"the folder itself, not what is below", "apps", nil, "a b b2 c"},
		{"slashes around the path do not matter", "/apps/", nil, "a b b2 c"},
		{"all below with recurse", "apps", &v1alpha1.ApplicationSourceDirectory{Recurse: true}, "a b b2 c d e f"},
		{"include picks by glob", "apps", &v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "{a.yml,sub/*.yaml}"}, "a d e f"},
		{"exclude wins over include", "apps", &v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "*.yaml", Exclude: "sub/*"}, "b b2"},
	} {
		r := render.New(nil, render.DefaultLimits())
		got, err := r.Render(t.Context(), request(files, v1alpha1.ApplicationSource{Path: tc.path, Directory: tc.dir}))
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		names := strings.ReplaceAll(strings.Join(keys(got.Objects), " "), "ConfigMap ", "")
		if diff := cmp.Diff(tc.want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestDetection(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"helm/Chart.yaml": "", "helm/kustomization.yaml": "", "k/Kustomization": "", "k2/kustomization.yml": "", "plain/a.yaml": cm("a"), "file": "",
	}
	for _, tc := range []struct {
		reason string
		source v1alpha1.ApplicationSource
		want   render.Type
		kind   fault.Kind
	}{
		{"a chart, even beside a kustomization", v1alpha1.ApplicationSource{Path: "helm"}, render.Helm, ""},
		{"a block in the spec decides", v1alpha1.ApplicationSource{Path: "helm", Kustomize: &v1alpha1.ApplicationSourceKustomize{}}, render.Kustomize, ""},
		{"each name of a kustomization", v1alpha1.ApplicationSource{Path: "k"}, render.Kustomize, ""},
		{"each name of a kustomization", v1alpha1.ApplicationSource{Path: "k2"}, render.Kustomize, ""},
		{"anything else is a plain folder", v1alpha1.ApplicationSource{Path: "plain"}, render.Directory, ""},
		{"no path is the root", v1alpha1.ApplicationSource{}, render.Directory, ""},
		{"an absent path", v1alpha1.ApplicationSource{Path: "nope"}, "", fault.Missing},
		{"a file", v1alpha1.ApplicationSource{Path: "file"}, "", fault.Invalid},
		{"a path that leaves the repository", v1alpha1.ApplicationSource{Path: "../x"}, "", fault.Invalid},
		{"a chart of a Helm repository, whose path does not count", v1alpha1.ApplicationSource{Chart: "redis", Path: "../x"}, render.Helm, ""},
	} {
		got, err := render.Detect(request(files, tc.source))
		if got != tc.want || fault.Of(err) != tc.kind {
			t.Errorf("%s: got %q, %v", tc.reason, got, err)
		}
	}
}

func TestBadManifestsAreAllNamed(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": cm("fine"),
		"b.yaml": cm("b") + "---\nkind: [\n",
		"c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n",
		"d.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
	}
	_, err := render.New(nil, render.DefaultLimits()).Render(t.Context(), request(files, v1alpha1.ApplicationSource{}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"b.yaml:", "c.yaml:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	delete(files, "b.yaml")
	delete(files, "c.yaml")
	_, err = render.New(nil, render.DefaultLimits()).Render(t.Context(), request(files, v1alpha1.ApplicationSource{}))
	if fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "d.yaml:1") {
		t.Errorf("an object without a name: %v", err)
	}
}

type engine func(context.Context, render.Request) ([]render.Manifest, error)

func (e engine) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	return e(ctx, req)
}

func TestAnEngineCannotBringUsDown(t *testing.T) {
	t.Parallel()
	object := render.Manifest{Object: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}}}
	for _, tc := range []struct {
		reason string
		engine engine
		kind   fault.Kind
		says   string
		time   time.Duration
	}{
		{"a panic", func(context.Context, render.Request) ([]render.Manifest, error) { panic("boom") }, fault.Invalid, "boom", time.Minute},
		{"an endless render", func(ctx context.Context, _ render.Request) ([]render.Manifest, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, fault.Transient, "longer than", time.Millisecond},
		{"too much", func(context.Context, render.Request) ([]render.Manifest, error) {
			return []render.Manifest{object, object, object}, nil
		}, fault.Invalid, "more than the 2", time.Minute},
	} {
		r := render.New(map[render.Type]render.Engine{render.Helm: tc.engine}, render.Limits{Objects: 2, Time: tc.time})
		_, err := r.Render(t.Context(), request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{}))
		if fault.Of(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v", tc.reason, err)
		}
	}
}

func TestCacheRendersOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	calls := 0
	broken := errors.New("broken")
	counting := engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
		calls++
		data, err := req.Tree.FS.ReadFile("apps/Chart.yaml")
		if string(data) == "broken" {
			return nil, fault.Wrap(fault.Invalid, broken)
		}
		return nil, err
	})
	files := map[string]string{"apps/Chart.yaml": "1", "other": "1"}
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: counting}, render.DefaultLimits()), render.CacheOptions{})
	source := v1alpha1.ApplicationSource{Path: "apps"}
	step := func(reason string, want int, wantErr error) {
		t.Helper()
		_, err := c.Render(t.Context(), request(files, source))
		if calls != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %d calls, want %d; %v", reason, calls, want, err)
		}
	}
	step("the first time", 1, nil)
	step("nothing changed", 1, nil)
	files["other"] = "2"
	step("a file that is not read changed", 1, nil)
	source.TargetRevision = "v2"
	step("another name for the same files", 1, nil)
	files["apps/Chart.yaml"] = "2"
	step("a file that is read changed", 2, nil)
	files["apps/Chart.yaml"] = "broken"
	step("a broken commit", 3, broken)
	step("is not tried again", 3, broken)
	files["apps/Chart.yaml"] = "3"
	step("until it is mended", 4, nil)
	source.Helm = &v1alpha1.ApplicationSourceHelm{ReleaseName: "x"}
	step("other options", 5, nil)
	want := render.Stats{Memory: 4, Renders: map[render.Why]uint64{render.First: 1, render.Files: 3, render.Options: 1}}
	if diff := cmp.Diff(want, c.Stats(), cmpopts.IgnoreFields(render.Stats{}, "Held")); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

// TestFailureWithoutARef: a source that another one is to give files for is
// rendered again once that one is there.
func TestFailureWithoutARef(t *testing.T) {
	t.Parallel()
	calls := 0
	reading := engine(func(_ context.Context, req render.Request) ([]render.Manifest, error) {
		calls++
		if _, ok := req.Refs["cfg"]; !ok {
			return nil, fault.New(fault.Missing, "no source has the ref")
		}
		return nil, nil
	})
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: reading}, render.DefaultLimits()), render.CacheOptions{})
	for _, step := range []struct {
		reason string
		refs   map[string]snapshot.Tree
		calls  int
		want   fault.Kind
	}{
		{"without it", nil, 1, fault.Missing},
		{"without it, again", nil, 1, fault.Missing},
		{"with another one", map[string]snapshot.Tree{"other": {FS: fstest.MapFS{}}}, 2, fault.Missing},
		{"with it", map[string]snapshot.Tree{"cfg": {FS: fstest.MapFS{}}}, 3, ""},
		{"with it, again", map[string]snapshot.Tree{"cfg": {FS: fstest.MapFS{}}}, 3, ""},
	} {
		req := request(map[string]string{"Chart.yaml": ""}, v1alpha1.ApplicationSource{})
		req.Refs = step.refs
		if _, err := c.Render(t.Context(), req); fault.Of(err) != step.want || calls != step.calls {
			t.Errorf("%s: %d calls, want %d; %v", step.reason, calls, step.calls, err)
		}
	}
}

// TestTooLongIsTriedAgain: a machine that was busy says nothing about a source,
// and a source that is always slow must not be all that a machine does.
func TestTooLongIsTriedAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	calls, busy := 0, true
	waiting := engine(func(ctx context.Context, _ render.Request) ([]render.Manifest, error) {
		calls++
		if !busy {
			return nil, nil
		}
		<-ctx.Done()
		return nil, fault.Wrap(fault.Invalid, ctx.Err()) // whatever the engine makes of it
	})
	c := render.NewCache(render.New(map[render.Type]render.Engine{render.Helm: waiting}, render.Limits{Time: 20 * time.Millisecond}),
		render.CacheOptions{Now: func() time.Time { return now }})
	files := map[string]string{"Chart.yaml": "1"}
	for _, step := range []struct {
		reason string
		change func()
		calls  int
		want   fault.Kind
		why    render.Why
	}{
		{"too slow", func() {}, 1, fault.Transient, render.First},
		{"remembered", func() { now = now.Add(4 * time.Minute) }, 1, fault.Transient, render.Reused},
		{"tried again", func() { now = now.Add(time.Minute) }, 2, fault.Transient, render.Time},
		{"remembered again", func() { busy = false }, 2, fault.Transient, render.Reused},
		{"fast enough", func() { now = now.Add(5 * time.Minute) }, 3, "", render.Time},
		{"and then kept", func() { now = now.Add(time.Hour) }, 3, "", render.Reused},
	} {
		step.change()
		result, err := c.Render(t.Context(), request(files, v1alpha1.ApplicationSource{}))
		if fault.Of(err) != step.want || calls != step.calls || result.Cause.Why != step.why || err != nil && !strings.Contains(err.Error(), "it takes longer than 20ms") {
			t.Errorf("%s: %d calls, want %d, because of %q; %v", step.reason, calls, step.calls, result.Cause, err)
		}
	}
	// Whoever asks has no time left: that is not the source's own.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	busy = true
	if _, err := c.Render(ctx, request(map[string]string{"Chart.yaml": "", "x": ""}, v1alpha1.ApplicationSource{Path: "."})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without time: %v", err)
	}
}
