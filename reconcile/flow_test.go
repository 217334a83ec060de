package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/apply"
)

// memoryCluster keeps objects as they are applied: enough to see what a flow
// writes, and when.
type memoryCluster struct {
	mu     sync.Mutex
	stored map[object.Key]*unstructured.Unstructured
	writes int
	// version is the last resource version that was given out.
	version int
	// refuses are pointers that cannot be removed, and meanwhile is what others
	// do just before a removal.
	refuses   []string
	meanwhile func()
	// admit changes what is applied, as a webhook does.
	admit func(*unstructured.Unstructured)
}

// next gives an object a version of its own.
func (c *memoryCluster) next(u *unstructured.Unstructured) {
	c.version++
	u.SetResourceVersion(strconv.Itoa(c.version))
}

func (c *memoryCluster) Remove(_ context.Context, p apply.Patch) (*unstructured.Unstructured, error) {
	if c.meanwhile != nil {
		c.meanwhile()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.stored[p.Key]
	if u == nil || u.GetResourceVersion() != p.Version || string(u.GetUID()) != p.UID {
		return nil, fault.New(fault.Conflict, "%s has changed", p.Key)
	}
	document, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	for _, pointer := range p.Pointers {
		if slices.Contains(c.refuses, pointer) {
			return nil, fault.New(fault.Invalid, "%s is immutable", pointer)
		}
		patch, err := jsonpatch.DecodePatch(fmt.Appendf(nil, `[{"op":"remove","path":%q}]`, pointer))
		if err != nil {
			return nil, err
		}
		if document, err = patch.Apply(document); err != nil {
			return nil, fault.Wrap(fault.Invalid, err)
		}
	}
	u = &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(document); err != nil || p.DryRun {
		return u, err
	}
	c.next(u)
	c.stored[p.Key] = u
	c.writes++
	return u.DeepCopy(), nil
}

func (c *memoryCluster) Apply(_ context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u = u.DeepCopy()
	u.SetUID(types.UID(object.KeyOf(u).String()))
	if c.admit != nil {
		c.admit(u)
	}
	c.next(u)
	c.stored[object.KeyOf(u)] = u
	c.writes++
	return u.DeepCopy(), nil
}

func (c *memoryCluster) Delete(_ context.Context, key object.Key, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.stored, key)
	c.writes++
	return nil
}

func (c *memoryCluster) Get(_ context.Context, _ schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := c.stored[key]; ok {
		return u.DeepCopy(), nil
	}
	return nil, fault.New(fault.Missing, "%s is not there", key)
}

func (c *memoryCluster) List(_ context.Context, gvk schema.GroupVersionKind, namespace string, _ int) ([]*unstructured.Unstructured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*unstructured.Unstructured
	for key, u := range c.stored {
		if key.GroupKind() == gvk.GroupKind() && (namespace == "" || namespace == key.Namespace) {
			out = append(out, u.DeepCopy())
		}
	}
	return out, nil
}

func (c *memoryCluster) Owned(context.Context, string, []schema.GroupVersionKind) ([]Owned, error) {
	return nil, nil
}

func (c *memoryCluster) Namespaced(context.Context, schema.GroupVersionKind) (bool, error) {
	return true, nil
}

func (c *memoryCluster) Capabilities(context.Context) (render.Capabilities, error) {
	return render.Capabilities{}, nil
}

// source is both the repository and the way to the cluster.
type source struct {
	files   fstest.MapFS
	cluster *Cluster
}

func (s source) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{Commit: snapshot.Commit{SHA: "4f2a91c0000000000000000000000000000000ff"}, FS: s.files}, nil
}

func (s source) Cluster(context.Context, v1alpha1.ApplicationDestination) (*Cluster, error) {
	return s.cluster, nil
}

func newFlow(t *testing.T, manifests string) (*Flow, *memoryCluster) {
	t.Helper()
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	c := &memoryCluster{stored: map[object.Key]*unstructured.Unstructured{}}
	s := source{
		files:   fstest.MapFS{"all.yaml": {Data: []byte(manifests)}},
		cluster: &Cluster{Name: "memory", Writer: c, Objects: c, Kinds: c, Schemas: builtin},
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Flow{Sources: s, Clusters: s, Renderer: render.New(nil, render.DefaultLimits()), Now: func() time.Time { return now }}, c
}

const twoWaves = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: first, namespace: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: second, namespace: shop, annotations: {trueup.dev/sync-wave: "1"}}}
`

func application(op *v1alpha1.SyncOperation) *v1alpha1.Application {
	app := &v1alpha1.Application{}
	app.Name = "shop"
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example.com/config.git"}
	if op != nil {
		app.Operation = &v1alpha1.Operation{Sync: op}
	}
	return app
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	for _, automated := range []bool{false, true} {
		f, c := newFlow(t, twoWaves)
		app := application(&v1alpha1.SyncOperation{DryRun: true})
		if automated {
			app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{SelfHeal: true}}
		}
		out := f.Run(t.Context(), app, &Memory{})
		if c.writes != 0 {
			t.Errorf("automated %v: the dry run wrote %d times", automated, c.writes)
		}
		if !out.Done || out.Status.DryRunState == nil || out.Status.DryRunState.Phase != "Succeeded" || len(out.Status.DryRunState.SyncResult.Resources) == 0 {
			t.Errorf("automated %v: done %v, state %+v", automated, out.Done, out.Status.DryRunState)
		}
	}
}

// TestADryRunLeavesWhatTheLastSyncDid: also after a restart, which reads from the
// status what was synced, and where the dry run fails.
func TestADryRunLeavesWhatTheLastSyncDid(t *testing.T) {
	t.Parallel()
	f, _ := newFlow(t, twoWaves)
	app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
	look := func(op *v1alpha1.SyncOperation) Outcome {
		t.Helper()
		app.Operation = nil
		if op != nil {
			app.Operation = &v1alpha1.Operation{Sync: op}
		}
		out := f.Run(t.Context(), app, mem)
		app.Status = out.Status
		return out
	}
	look(&v1alpha1.SyncOperation{})
	synced := app.Status.OperationState.DeepCopy()
	unchanged := func(when string) {
		t.Helper()
		if diff := cmp.Diff(synced, app.Status.OperationState); diff != "" {
			t.Errorf("%s, of the last sync (-want +got):\n%s", when, diff)
		}
	}
	look(&v1alpha1.SyncOperation{DryRun: true})
	unchanged("after a dry run")
	if state := app.Status.DryRunState; state == nil || state.Phase != "Succeeded" {
		t.Errorf("the dry run: %+v", state)
	}
	clusters := f.Clusters
	f.Clusters = nowhere{}
	look(&v1alpha1.SyncOperation{DryRun: true})
	unchanged("after one that failed")
	if state := app.Status.DryRunState; state == nil || state.Phase != "Failed" {
		t.Errorf("the dry run that failed: %+v", state)
	}
	f.Clusters = clusters
	look(&v1alpha1.SyncOperation{})
	if app.Status.DryRunState != nil {
		t.Errorf("after a sync the dry run is still told: %+v", app.Status.DryRunState)
	}

	f, c := newFlow(t, twoWaves)
	app, mem = application(nil), &Memory{}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
	look(&v1alpha1.SyncOperation{DryRun: true})
	mem = &Memory{} // of another process
	if out := look(nil); out.Err != nil || c.writes != 2 {
		t.Errorf("after a dry run and a restart, the automated sync wrote %d times, want 2; %v", c.writes, out.Err)
	}
}

func TestADryRunDoesNotCountAsASync(t *testing.T) {
	t.Parallel()
	f, c := newFlow(t, twoWaves)
	app := application(&v1alpha1.SyncOperation{DryRun: true})
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
	mem := &Memory{}
	f.Run(t.Context(), app, mem)
	c.writes = 0
	app.Operation = nil
	if out := f.Run(t.Context(), app, mem); out.Err != nil || c.writes != 2 {
		t.Errorf("the automated sync after it wrote %d times, want 2; %v", c.writes, out.Err)
	}
}

func TestWavesAreAppliedInOneRunWhereNothingIsWaitedFor(t *testing.T) {
	t.Parallel()
	f, c := newFlow(t, twoWaves)
	out := f.Run(t.Context(), application(&v1alpha1.SyncOperation{}), &Memory{})
	if c.writes != 2 || !out.Done || out.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("%d writes, done %v, %s; %v", c.writes, out.Done, out.Status.Sync.Status, out.Err)
	}
}

type nowhere struct{}

func (nowhere) Cluster(context.Context, v1alpha1.ApplicationDestination) (*Cluster, error) {
	return nil, fault.New(fault.Missing, "the cluster is not registered")
}

func TestAnApplicationGoesAfterItsCluster(t *testing.T) {
	t.Parallel()
	flow, _ := newFlow(t, "")
	flow.Clusters = nowhere{}
	if left, err := flow.Teardown(t.Context(), application(nil), &Memory{}); left != 0 || err != nil {
		t.Errorf("left %d, %v", left, err)
	}
}
