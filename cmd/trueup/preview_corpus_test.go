package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/secret"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

var previewChanges = flag.Int("preview.changes", 10, "random changes of each history that are previewed")

// at is a world in which one repository stands at a commit.
type at struct {
	*world
	tree snapshot.Tree
}

// Tree implements reconcile.Sources.
func (a at) Tree(ctx context.Context, where snapshot.Location) (snapshot.Tree, error) {
	if where.RepoURL == configURL && where.Revision == "" {
		tree := a.tree
		tree.Commit.Repo, tree.Commit.Ref = where.RepoURL, where.Revision
		return tree, nil
	}
	return a.world.Tree(ctx, where)
}

// TestPreviewEqualsSync: for random changes of random repositories, what a
// preview predicts is what comparing everything that a sync of both commits
// would apply gives, and applications that it leaves out have the same objects.
// go test ./cmd/trueup -run PreviewEquals -reuse.seeds 50 goes through 500.
func TestPreviewEqualsSync(t *testing.T) {
	t.Parallel()
	var changed, same, skipped atomic.Int64 // of all histories: one may have no change that matters
	t.Cleanup(func() {
		if !t.Failed() && (changed.Load() == 0 || same.Load() == 0 || skipped.Load() == 0) {
			t.Error("the test shows nothing")
		}
	})
	for seed := *reuseFirst; seed < *reuseFirst+*reuseSeeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCorpus(t, seed)
			c.check()
			changed.Add(int64(c.changed))
			same.Add(int64(c.same))
			skipped.Add(int64(c.skipped))
		})
	}
}

type corpus struct {
	t        *testing.T
	history  *randomHistory
	world    *world
	renderer *render.Renderer
	apps     []v1alpha1.Application

	changed, same, broken, skipped int
}

func newCorpus(t *testing.T, seed uint64) *corpus {
	t.Helper()
	h := newHistoryOf(t, seed)
	c := &corpus{t: t, history: h}
	c.world = &world{mirrors: git.New(git.Options{Dir: t.TempDir(), Files: true}), shas: h.write(t, *previewChanges+3), url: "file://" + h.dir}
	decrypter := secret.New(secret.Options{Keys: &rotating{t: t}, Hint: "there is no such key"})
	c.renderer = render.New(engines(true), render.DefaultLimits()).Decrypting(decrypter)
	for i, sources := range randomSources() {
		app := v1alpha1.Application{}
		app.Name, app.Namespace = fmt.Sprintf("app-%02d", i), "trueup"
		app.Spec.Destination = v1alpha1.ApplicationDestination{Name: "eu", Namespace: "shop"}
		app.Spec.Sources = sources
		c.apps = append(c.apps, app)
	}
	return c
}

func (c *corpus) check() {
	c.t.Helper()
	for i := range *previewChanges {
		c.world.now = i
		c.change(i, i+1+c.history.rand.IntN(3))
	}
	c.t.Logf("%d changes: %d applications changed, %d did not, %d failed; %d renderings of a second side were left out", *previewChanges, c.changed, c.same, c.broken, c.skipped)
}

// change previews one change, and compares everything besides.
func (c *corpus) change(from, to int) {
	c.t.Helper()
	ctx := c.t.Context()
	open := func(i int) snapshot.Tree {
		tree, err := c.world.mirrors.Tree(ctx, snapshot.Location{RepoURL: c.world.url, Revision: c.world.shas[i]})
		if err != nil {
			c.t.Fatal(err)
		}
		return tree
	}
	base, head := open(from), open(to)
	flow := reconcile.Flow{Sources: c.world, Renderer: c.renderer, Clusters: c.world, Now: time.Now, Namespace: "trueup"}
	tr := trial.Trial{Flow: flow, MaskKey: []byte("k")}
	got, err := tr.Run(ctx, trial.Change{URLs: []string{configURL}, Branch: "main", Default: true, Base: base, Merged: head, Head: head.Commit.SHA},
		trial.Roots{Given: document.Documents{Applications: c.apps}})
	if err != nil {
		c.t.Fatal(err)
	}
	in := preview.Input{MaskKey: []byte("k")}
	for i := range c.apps {
		in.Base = append(in.Base, c.side(flow, base, &c.apps[i]))
		in.Head = append(in.Head, c.side(flow, head, &c.apps[i]))
	}
	want := preview.Compare(in)
	if diff := cmp.Diff(c.text(want.Apps), c.text(got.Apps)); diff != "" {
		c.t.Fatalf("seed %d, from %d to %d (%s): (-synced +predicted)\n%s", c.history.seed, from, to, c.history.subjects[to], diff)
	}
	c.changed += got.Changed()
	c.same += got.Total - got.Changed()
	c.skipped += got.Total - got.Rendered
	failed := got.Failed()
	c.broken += failed.Broken + failed.Already + failed.Mended
}

// side is what a sync of one commit would apply.
func (c *corpus) side(flow reconcile.Flow, tree snapshot.Tree, app *v1alpha1.Application) preview.Side {
	flow.Sources = at{c.world, tree}
	d, _, err := flow.Desire(c.t.Context(), app)
	s := preview.Side{Namespace: app.Namespace, Name: app.Name, Cluster: "eu", Home: "shop", Err: err, Origins: map[object.Key]string{}}
	if err == nil {
		s.Objects, s.Origins = d.Objects, d.Origins
	}
	return s
}

func (c *corpus) text(apps []preview.App) string {
	data, err := json.MarshalIndent(apps, "", " ")
	if err != nil {
		c.t.Fatal(err)
	}
	return commitInError.ReplaceAllString(string(data), "")
}
