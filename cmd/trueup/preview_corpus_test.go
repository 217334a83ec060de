package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/secret"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
	"github.com/trueup-dev/trueup/reconcile/plan"
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
// preview predicts is what a sync then applies. Each application is synced to
// base in a cluster of its own, and from there to what is previewed: the objects
// that are written are those predicted, the cluster differs by the fields
// predicted, and of applications that the preview leaves out nothing is written.
// go test ./cmd/trueup -run PreviewEquals -reuse.seeds 50 goes through 500.
func TestPreviewEqualsSync(t *testing.T) {
	t.Parallel()
	var changed, same, skipped, written atomic.Int64 // of all histories: one may have no change that matters
	t.Cleanup(func() {
		if !t.Failed() && (changed.Load() == 0 || same.Load() == 0 || skipped.Load() == 0 || written.Load() == 0) {
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
			written.Add(int64(c.written))
		})
	}
}

type corpus struct {
	t        *testing.T
	history  *randomHistory
	world    *world
	renderer *render.Renderer
	apps     []v1alpha1.Application
	schemas  drift.Schemas

	changed, same, broken, skipped int
	// written counts the objects that syncs of previewed changes applied or
	// deleted, spared those that stayed though nothing describes them.
	written, spared int
}

func newCorpus(t *testing.T, seed uint64) *corpus {
	t.Helper()
	h := newHistoryOf(t, seed)
	h.also = workload
	for range 6 {
		workload(h)
	}
	c := &corpus{t: t, history: h}
	c.world = &world{mirrors: git.New(git.Options{Dir: t.TempDir(), Files: true}), shas: h.write(t, *previewChanges+3), url: "file://" + h.dir}
	decrypter := secret.New(secret.Options{Keys: &rotating{t: t}, Hint: "there is no such key"})
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	c.schemas = builtin
	c.renderer = render.New(engines(true), render.DefaultLimits()).Decrypting(decrypter)
	for i, sources := range append(randomSources(), []v1alpha1.ApplicationSource{{RepoURL: configURL, Path: "workloads"}}) {
		app := v1alpha1.Application{}
		app.Name, app.Namespace = fmt.Sprintf("app-%02d", i), "trueup"
		app.Spec.Destination = v1alpha1.ApplicationDestination{Name: "eu", Namespace: "shop"}
		app.Spec.Sources = sources
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{Prune: true, AllowEmpty: true}}
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
	c.t.Logf("%d changes: %d applications changed, %d did not, %d failed; %d renderings of a second side were left out; syncs wrote %d objects and spared %d",
		*previewChanges, c.changed, c.same, c.broken, c.skipped, c.written, c.spared)
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
	tr := trial.Trial{Flow: flow, MaskKey: []byte("k"), Schemas: c.schemas}
	got, err := tr.Run(ctx, trial.Change{URLs: []string{configURL}, Branch: "main", Default: true, Base: base, Merged: head, Head: head.Commit.SHA},
		trial.Roots{Given: document.Documents{Applications: c.apps}})
	if err != nil {
		c.t.Fatal(err)
	}
	in := preview.Input{MaskKey: []byte("k"), Schemas: c.schemas}
	for i := range c.apps {
		before, after := c.sync(flow, base, head, &c.apps[i], got)
		in.Base, in.Head = append(in.Base, before), append(in.Head, after)
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

// sync applies both commits, one after the other, and gives what the cluster
// had of each.
func (c *corpus) sync(flow reconcile.Flow, base, head snapshot.Tree, app *v1alpha1.Application, predicted preview.Report) (before, after preview.Side) {
	c.t.Helper()
	cluster, mem := newStoredCluster(c.world, c.schemas), &reconcile.Memory{}
	flow.Clusters, flow.MaskKey = cluster, []byte("k")
	run := func(tree snapshot.Tree) (s preview.Side, d *reconcile.Desired) {
		flow.Sources = at{c.world, tree}
		out := flow.Run(c.t.Context(), app, mem)
		s = preview.Side{Namespace: app.Namespace, Name: app.Name, Cluster: "eu", Home: "shop", Err: out.Err}
		if out.Err != nil {
			return s, nil
		}
		if o := out.Status.OperationState; o != nil && o.Phase != "Succeeded" {
			c.t.Errorf("sync %s: %s: %s", app.Name, o.Phase, o.Message)
		}
		app.Status = out.Status
		d, _, err := flow.Desire(c.t.Context(), app)
		if err != nil {
			c.t.Fatal(err)
		}
		s.Objects, s.Origins = cluster.content(), d.Origins
		return s, d
	}
	app = app.DeepCopy()
	before, _ = run(base)
	cluster.written()
	after, desired := run(head)
	applied, deleted := cluster.written()
	c.written += len(applied) + len(deleted)
	described := map[object.Key]bool{}
	if desired != nil {
		for _, u := range desired.Objects {
			described[object.KeyOf(u)] = true
		}
	}
	// What is protected stays although nothing describes it, and is told as
	// deleted: somebody decides about it.
	after.Objects = slices.DeleteFunc(after.Objects, func(u *unstructured.Unstructured) bool {
		spared := !described[object.KeyOf(u)] && plan.Spares(plan.Policy{Prune: true}, u) != ""
		if spared {
			c.spared++
			deleted[object.KeyOf(u)] = true
		}
		return spared
	})
	wantApplied, wantDeleted := map[object.Key]bool{}, map[object.Key]bool{}
	for _, a := range predicted.Apps {
		if a.Name != app.Name {
			continue
		}
		for _, o := range a.Objects {
			old := o.Key()
			if o.Action == preview.Rename {
				old.Name = o.Was
			}
			if o.Action != preview.Delete {
				wantApplied[o.Key()] = true
			}
			if o.Action == preview.Delete || o.Action == preview.Rename {
				wantDeleted[old] = true
			}
		}
	}
	if diff := cmp.Diff(wantApplied, applied); diff != "" {
		c.t.Errorf("%s: (-predicted +applied)\n%s", app.Name, diff)
	}
	if diff := cmp.Diff(wantDeleted, deleted); diff != "" {
		c.t.Errorf("%s: (-predicted +deleted)\n%s", app.Name, diff)
	}
	return before, after
}

func (c *corpus) text(apps []preview.App) string {
	data, err := json.MarshalIndent(apps, "", " ")
	if err != nil {
		c.t.Fatal(err)
	}
	return commitInError.ReplaceAllString(string(data), "")
}

// workload writes an object with lists, maps and quantities, of which some mean
// the same as others, or deletes one.
func workload(h *randomHistory) string {
	file := "workloads/" + h.pick("deploy", "service", "role", "policy", "claim", "issuer") + ".yaml"
	if h.files[file] != "" && h.rand.IntN(6) == 0 {
		delete(h.files, file)
		return "delete " + file
	}
	web := "{name: web, image: \"web:" + h.pick("1", "2") + "\", resources: {limits: {cpu: " + h.pick("500m", "\"0.5\"", "1") + ", memory: " + h.pick("1Gi", "1024Mi") + "}}" +
		h.pick("", ", env: [{name: A, value: a}, {name: B, value: b}]", ", env: [{name: B, value: b}, {name: A, value: a}]", ", args: [a, b]", ", args: [b]") + h.pick("", ", ports: [{containerPort: 80}]", ", ports: [{containerPort: 80, protocol: TCP}, {containerPort: 81}]") + "}"
	side := "{name: side, image: side}"
	return h.put(file, map[string]string{
		"workloads/deploy.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + h.pick("web", "web", "web-2") + ", labels: " + h.pick("{a: x}", "{a: x, b: y}", "{}") + "}\nspec:\n  replicas: " + h.pick("1", "2") +
			"\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [" + h.pick(web, web+", "+side, side+", "+web) + "]" + h.pick("", ", nodeSelector: {disk: ssd}", ", tolerations: [{key: a}]") + "}\n",
		"workloads/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: " + h.pick("{app: web}", "{app: web, tier: x}") + ", ports: [" + h.pick("{port: 80}", "{port: 80, targetPort: 8080}", "{port: 80, protocol: TCP}", "{port: 81, name: b}, {port: 80, name: a}", "{port: 80, name: a}, {port: 81, name: b}") + "]}\n",
		"workloads/role.yaml":    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web}\nrules: [" + h.pick("", "{apiGroups: [\"\"], resources: [pods], verbs: [get]}", "{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}") + "]\n",
		"workloads/policy.yaml":  "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec: {podSelector: " + h.pick("{}", "{matchLabels: {app: web}}") + h.pick("", ", ingress: []", ", ingress: [{}]", ", ingress: [{from: [{podSelector: {}}]}]") + "}\n",
		"workloads/claim.yaml":   "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: " + h.pick("1Gi", "1024Mi", "2Gi") + "}}}\n",
		"workloads/issuer.yaml":  "apiVersion: example.com/v1\nkind: Issuer\nmetadata: {name: ca}\nspec: {hosts: " + h.pick("[a]", "[a, b]", "[]") + h.pick("", ", selfSigned: {}", ", ca: {secretName: x}") + "}\n",
	}[file])
}
