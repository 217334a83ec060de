package reconcile

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// depending is an engine whose objects depend on a chart of another
// repository, which may not be there.
type depending struct{ at snapshot.Location }

func (d depending) Render(ctx context.Context, req render.Request) ([]render.Manifest, error) {
	tree, err := req.More.Tree(ctx, d.at)
	if err != nil {
		return nil, err
	}
	if _, err := tree.FS.ReadFile("all.yaml"); err != nil {
		return nil, err
	}
	return []render.Manifest{{Object: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "told", "namespace": "shop"},
	}}}}, nil
}

// lacking is a source without one of its locations.
type lacking struct {
	source
	at *snapshot.Location
}

func (l lacking) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if l.at != nil && at == *l.at {
		return snapshot.Tree{}, fault.New(fault.Missing, "there is no such chart")
	}
	return l.source.Tree(ctx, at)
}

// TestNamedRepositories: what a rendering opened is polled, also where it
// failed for that very reason, and where a process that just began took it
// from the disk without rendering.
func TestNamedRepositories(t *testing.T) {
	t.Parallel()
	const own = "https://git.example.com/config.git"
	charts, more := snapshot.Location{RepoURL: "https://charts.example.com", Chart: "db"}, snapshot.Location{RepoURL: "https://charts.example.com/more", Chart: "db"}
	dir := t.TempDir()
	begin := func(at snapshot.Location, missing *snapshot.Location) (*Flow, *render.Cache) {
		f, _ := newFlow(t, "")
		base, _ := f.Sources.(source)
		f.Sources = lacking{base, missing}
		store, err := diskcache.Open(dir, diskcache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := render.NewCache(render.New(map[render.Type]render.Engine{render.Directory: depending{at}}, render.DefaultLimits()), render.CacheOptions{Store: store})
		f.Renderer = c
		return f, c
	}
	app := application(nil)
	check := func(when string, mem *Memory, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, mem.Repositories(app)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}

	mem := &Memory{}
	f, _ := begin(charts, &charts)
	check("before anything", mem, own)
	if out := f.Run(t.Context(), app, mem); fault.Of(out.Err) != fault.Missing {
		t.Fatalf("without the chart: %v", out.Err)
	}
	check("after a failure", mem, own, charts.RepoURL)
	f, _ = begin(more, &more)
	f.Run(t.Context(), app, mem)
	check("after a failure that names something else", mem, own, charts.RepoURL, more.RepoURL)
	f, first := begin(charts, nil)
	if out := f.Run(t.Context(), app, mem); out.Err != nil || first.Stats().Total() != 1 {
		t.Fatalf("%d renders with the chart: %v", first.Stats().Total(), out.Err)
	}
	check("after a success", mem, own, charts.RepoURL)

	mem = &Memory{}
	f, second := begin(charts, nil)
	if out := f.Run(t.Context(), app, mem); out.Err != nil || second.Stats().Disk != 1 || second.Stats().Total() != 0 {
		t.Fatalf("after a restart: %+v, %v", second.Stats(), out.Err)
	}
	check("after a restart", mem, own, charts.RepoURL)
}
