package reads_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/reads"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// world is one that a test can change.
type world struct {
	clusters []appset.Cluster
	files    fstest.MapFS
	commit   int
	pulls    []appset.PullRequest
	items    []map[string]any
	failing  error
	asked    map[string]int
}

func (w *world) ask(what string) error {
	w.asked[what]++
	return w.failing
}

func (w *world) Clusters(context.Context) ([]appset.Cluster, error) {
	return w.clusters, w.ask("clusters")
}

func (w *world) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	tree := snapshot.Tree{FS: w.files}
	tree.Commit.SHA = fmt.Sprintf("%040x", w.commit)
	return tree, w.ask(at.RepoURL)
}

func (w *world) PullRequests(context.Context, string, *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	return w.pulls, w.ask("pulls")
}

func (w *world) Organization(context.Context, string, *v1alpha1.SCMProviderGenerator) (appset.Organization, error) {
	return w, w.ask("organization")
}

func (w *world) Repositories(context.Context) ([]appset.Repository, error) {
	return []appset.Repository{{Name: "shop"}}, w.ask("repositories")
}

func (w *world) Branches(context.Context, appset.Repository) ([]appset.Branch, error) {
	return []appset.Branch{{Name: "main", SHA: fmt.Sprint(w.commit)}}, w.ask("branches")
}

func (w *world) Has(_ context.Context, _ appset.Repository, _ appset.Branch, path string) (bool, error) {
	_, ok := w.files[path]
	return ok, w.ask("path")
}

func (w *world) Decide(context.Context, string, *v1alpha1.DuckTypeGenerator) (appset.Decision, error) {
	return appset.Decision{MatchKey: "name", Items: w.items}, w.ask("decisions")
}

func (w *world) Parameters(context.Context, appset.PluginCaller, *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	return w.items, w.ask("plugin")
}

func (w *world) all() appset.World {
	return appset.World{Clusters: w, Repositories: w, Forges: w, Decisions: w, Plugins: w, Now: time.Now}
}

func newWorld() *world {
	return &world{
		clusters: []appset.Cluster{{Name: "a", Server: "https://a"}, {Name: "b", Server: "https://b"}},
		files:    fstest.MapFS{"apps/shop/x.yaml": {Data: []byte("a: 1")}, "other/y": {Data: []byte("y")}},
		asked:    map[string]int{},
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		ask    func(context.Context, appset.World) error
		change func(*world)
		kinds  reads.Kinds
		want   string // empty: nothing changed
	}{
		{"the order of clusters", askClusters, func(w *world) { w.clusters[0], w.clusters[1] = w.clusters[1], w.clusters[0] }, reads.All, ""},
		{"a label of a cluster", askClusters, func(w *world) { w.clusters[0].Labels = map[string]string{"env": "prod"} }, reads.All, "the clusters"},
		{"a cluster, where only trees are asked for", askClusters, func(w *world) { w.clusters = nil }, reads.Trees, ""},
		{"a file that was not read", askFolder, func(w *world) { w.commit++; w.files["other/z"] = &fstest.MapFile{} }, reads.All, ""},
		{"a folder in a list", askFolder, func(w *world) { w.commit++; w.files["apps/web/x.yaml"] = &fstest.MapFile{} }, reads.All, "repo@main"},
		{"a commit that cannot be opened", askFolder, func(w *world) { w.failing = errors.New("gone") }, reads.All, "repo@main"},
		{"a pull request", askPulls, func(w *world) { w.pulls = []appset.PullRequest{{Number: 7}} }, reads.All, "pull requests"},
		{"a branch of an organization", askOrganization, func(w *world) { w.commit++ }, reads.Services, "branches"},
		{"a path of an organization", askOrganization, func(w *world) { delete(w.files, "other/y") }, reads.Services, "path"},
		{"an organization, where nothing changed", askOrganization, func(*world) {}, reads.All, ""},
		{"what decides", askDecision, func(w *world) { w.items = []map[string]any{{"name": "a"}} }, reads.Services, "decisions"},
		{"a plugin", askPlugin, func(w *world) { w.items = []map[string]any{{"name": "a"}} }, reads.Services, "plugin"},
		{"the clock", func(_ context.Context, w appset.World) error { w.Now(); return nil }, func(*world) {}, reads.Services, "the clock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			traced, recorder := reads.Trace(w.all())
			if err := tc.ask(t.Context(), traced); err != nil {
				t.Fatal(err)
			}
			found := recorder.Reads()
			if got := found.Changed(t.Context(), w.all(), tc.kinds&^reads.Services); tc.kinds == reads.All && got != "" {
				t.Errorf("%q changed before anything did", got)
			}
			tc.change(w)
			got := found.Changed(t.Context(), w.all(), tc.kinds)
			if got == "" != (tc.want == "") || !strings.HasPrefix(got, tc.want) { // a digest follows
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func askClusters(ctx context.Context, w appset.World) error {
	_, err := w.Clusters.Clusters(ctx)
	return err
}

func askFolder(ctx context.Context, w appset.World) error {
	tree, err := w.Repositories.Tree(ctx, snapshot.Location{RepoURL: "repo", Revision: "main"})
	if err != nil {
		return err
	}
	_, err = tree.FS.ReadDir("apps")
	return err
}

func askPulls(ctx context.Context, w appset.World) error {
	_, err := w.Forges.PullRequests(ctx, "ns", &v1alpha1.PullRequestGenerator{})
	return err
}

func askOrganization(ctx context.Context, w appset.World) error {
	o, err := w.Forges.Organization(ctx, "ns", &v1alpha1.SCMProviderGenerator{})
	if err != nil {
		return err
	}
	all, err := o.Repositories(ctx)
	if err != nil {
		return err
	}
	branches, err := o.Branches(ctx, all[0])
	if err != nil {
		return err
	}
	_, err = o.Has(ctx, all[0], branches[0], "other/y")
	return err
}

func askDecision(ctx context.Context, w appset.World) error {
	_, err := w.Decisions.Decide(ctx, "ns", &v1alpha1.DuckTypeGenerator{})
	return err
}

func askPlugin(ctx context.Context, w appset.World) error {
	_, err := w.Plugins.Parameters(ctx, appset.PluginCaller{}, &v1alpha1.PluginGenerator{})
	return err
}

// TestUnchangedMeansTheSame: over random histories of a repository and of the
// clusters, a set whose questions get the same answers expands to the same.
func TestUnchangedMeansTheSame(t *testing.T) {
	t.Parallel()
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "all", Namespace: "ns"}}
	set.Spec.Template.Name = "{{name}}"
	byFolder := v1alpha1.ApplicationSetTemplate{}
	byFolder.Name = "{{path.basename}}"
	set.Spec.Template.Spec.Project = "{{metadata.labels.env}}"
	set.Spec.Generators = []v1alpha1.ApplicationSetGenerator{
		{Clusters: &v1alpha1.ClusterGenerator{Selector: metav1.LabelSelector{MatchLabels: map[string]string{"env": "prod"}}}},
		{Git: &v1alpha1.GitGenerator{RepoURL: "repo", Revision: "main", Directories: []v1alpha1.GitDirectoryItem{{Path: "apps/*"}, {Path: "apps/x*", Exclude: true}}, Template: byFolder}},
	}
	same, differ := 0, 0
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // histories, not secrets
		w := newWorld()
		var kept reads.Reads
		var before []v1alpha1.Application
		for step := range 20 {
			traced, recorder := reads.Trace(w.all())
			result, err := appset.Generate(t.Context(), set, traced)
			if err != nil {
				t.Fatal(err)
			}
			if step > 0 && kept.Changed(t.Context(), w.all(), reads.All) == "" {
				same++
				if diff := cmp.Diff(before, result.Applications); diff != "" {
					t.Fatalf("seed %d, step %d: unchanged, yet (-before +now):\n%s", seed, step, diff)
				}
			} else if step > 0 {
				differ++
			}
			kept, before = recorder.Reads(), result.Applications
			w.happen(random)
		}
	}
	if same < 100 || differ < 100 {
		t.Errorf("%d steps without and %d with a change say little", same, differ)
	}
}

// happen changes something.
func (w *world) happen(random *rand.Rand) {
	w.commit++
	files := fstest.MapFS{}
	for name, file := range w.files {
		files[name] = file
	}
	folder := []string{"apps/a", "apps/b", "apps/x1", "apps/a/deep", "other", ".hidden"}[random.IntN(6)]
	name := fmt.Sprintf("%s/f%d.yaml", folder, random.IntN(2))
	switch random.IntN(4) {
	case 0:
		delete(files, name)
	case 1, 2:
		files[name] = &fstest.MapFile{Data: []byte(fmt.Sprint(random.IntN(3)))}
	case 3:
		env := []string{"prod", "test"}[random.IntN(2)]
		w.clusters = []appset.Cluster{{Name: "a", Server: "https://a", Labels: map[string]string{"env": env}}}
	}
	w.files = files
}
