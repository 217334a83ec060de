package reads_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"

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

func (w *world) all() appset.World {
	return appset.World{Clusters: w, Repositories: w}
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
		{"the order of clusters", askClusters, func(w *world) { w.clusters[0], w.clusters[1] = w.clusters[1], w.clusters[0] }, reads.Trees | reads.Clusters, ""},
		{"a label of a cluster", askClusters, func(w *world) { w.clusters[0].Labels = map[string]string{"env": "prod"} }, reads.Trees | reads.Clusters, "the clusters"},
		{"a cluster, where only trees are asked for", askClusters, func(w *world) { w.clusters = nil }, reads.Trees, ""},
		{"a file that was not read", askFolder, func(w *world) { w.commit++; w.files["other/z"] = &fstest.MapFile{} }, reads.Trees | reads.Clusters, ""},
		{"a folder in a list", askFolder, func(w *world) { w.commit++; w.files["apps/web/x.yaml"] = &fstest.MapFile{} }, reads.Trees | reads.Clusters, "repo@main"},
		{"a commit that cannot be opened", askFolder, func(w *world) { w.failing = errors.New("gone") }, reads.Trees | reads.Clusters, "repo@main"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			traced, recorder := reads.Trace(w.all())
			if err := tc.ask(t.Context(), traced); err != nil {
				t.Fatal(err)
			}
			found := recorder.Reads()
			if got := found.Changed(t.Context(), w.all(), tc.kinds); got != "" {
				t.Errorf("%q changed before anything did", got)
			}
			tc.change(w)
			got := found.Changed(t.Context(), w.all(), tc.kinds)
			if got != tc.want {
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
			if step > 0 && kept.Changed(t.Context(), w.all(), reads.Trees|reads.Clusters) == "" {
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
