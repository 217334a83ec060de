package reconcile

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// faulty is a cluster that does not tell everything.
type faulty struct {
	*memoryCluster
	mu      sync.Mutex
	failing map[object.Key]error
	blind   map[string]error // kinds that cannot be watched
	scopes  map[string]error // kinds whose scope is not known
	tracked bool             // Owned tells what is stored
	silent  error            // Owned tells nothing
}

func (c *faulty) fail(key object.Key, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failing == nil {
		c.failing = map[object.Key]error{}
	}
	c.failing[key] = err
}

func (c *faulty) Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	c.mu.Lock()
	err := c.failing[key]
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return c.memoryCluster.Get(ctx, gvk, key)
}

func (c *faulty) Owned(_ context.Context, app string, kinds []schema.GroupVersionKind) ([]Owned, error) {
	if c.silent != nil {
		return nil, c.silent
	}
	var failures []error
	for _, gvk := range kinds {
		if err := c.blind[gvk.Kind]; err != nil {
			failures = append(failures, &Unwatched{Kind: gvk, Err: err})
		}
	}
	var out []Owned
	c.memoryCluster.mu.Lock()
	defer c.memoryCluster.mu.Unlock()
	for key, u := range c.stored {
		if owner, _ := object.OwnerOf(u); c.tracked && owner == app && c.blind[key.Kind] == nil {
			out = append(out, Owned{Key: key, Version: u.GroupVersionKind().Version})
		}
	}
	return out, errors.Join(failures...)
}

func (c *faulty) Namespaced(_ context.Context, gvk schema.GroupVersionKind) (bool, error) {
	return true, c.scopes[gvk.Kind]
}

type log struct{ events []DriftEvent }

func (*log) Intend(context.Context, *v1alpha1.Application, v1alpha1.ApplicationStatus) error {
	return nil
}
func (*log) Record(context.Context, Run) error { return nil }
func (l *log) Drifted(_ context.Context, events []DriftEvent) error {
	l.events = append(l.events, events...)
	return nil
}

func newFaulty(t *testing.T, manifests string) (*Flow, *faulty, *log) {
	t.Helper()
	flow, memory := newFlow(t, manifests)
	c, events := &faulty{memoryCluster: memory, tracked: true}, &log{}
	s, ok := flow.Clusters.(source)
	if !ok {
		t.Fatal("the flow has another source")
	}
	s.cluster.Writer, s.cluster.Objects, s.cluster.Kinds = c, c, c
	flow.Journal = events
	return flow, c, events
}

const threeMaps = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {k: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop}, data: {k: "1"}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: w, namespace: shop}, spec: {size: 1}}
`

func configMap(name string) object.Key {
	return object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

func widget() object.Key {
	return object.Key{Group: "example.com", Kind: "Widget", Namespace: "shop", Name: "w"}
}

func statusOf(app *v1alpha1.Application, key object.Key) v1alpha1.ResourceStatus {
	for _, r := range app.Status.Resources {
		if resourceKey(r) == key {
			return r
		}
	}
	return v1alpha1.ResourceStatus{}
}

// run looks once, and keeps the status as the agent would.
func run(t *testing.T, flow *Flow, app *v1alpha1.Application, mem *Memory) Outcome {
	t.Helper()
	out := flow.Run(t.Context(), app, mem)
	app.Status = out.Status
	return out
}

func comparisonError(app *v1alpha1.Application) string {
	if c := apimeta.FindStatusCondition(app.Status.Conditions, ComparisonError); c != nil {
		return c.Message
	}
	return ""
}

// TestAnUnreadableObjectDegradesAlone: the others are compared and corrected,
// nothing is done about the one that nobody can see, and it is seen again
// without anybody's help.
func TestAnUnreadableObjectDegradesAlone(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"a forbidden kind":            fault.New(fault.Denied, "widgets.example.com is forbidden"),
		"a broken conversion webhook": fault.Wrap(fault.Transient, &Answered{errors.New("conversion webhook failed: forbidden")}),
		"a connection that broke":     fault.New(fault.Transient, "EOF, forbidden"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, c, _ := newFaulty(t, threeMaps)
			app, mem := automated(application(nil)), &Memory{}
			if run(t, flow, app, mem); app.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
				t.Fatalf("before: %s", app.Status.Sync.Status)
			}
			c.fail(widget(), failure)
			edit(c.memoryCluster, configMap("a"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "2", "data", "k")
			mem.Recheck()
			before := c.writes
			out := run(t, flow, app, mem)
			if out.Err != nil || c.writes != before+1 {
				t.Errorf("%d writes, want one: %v", c.writes-before, out.Err)
			}
			if app.Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown || statusOf(app, configMap("a")).Status != v1alpha1.SyncStatusCodeSynced {
				t.Errorf("it is %s, with %+v", app.Status.Sync.Status, app.Status.Resources)
			}
			r := statusOf(app, widget())
			if r.Status != v1alpha1.SyncStatusCodeUnknown || !strings.Contains(r.Message, "forbidden") {
				t.Errorf("the widget is %+v", r)
			}
			if text := comparisonError(app); !strings.Contains(text, "Widget shop/w") || !strings.Contains(text, "forbidden") || strings.Contains(text, "ConfigMap") {
				t.Errorf("the condition says %q", text)
			}
			if out.After == 0 {
				t.Error("it is never tried again")
			}
			first := out.After
			if out = run(t, flow, app, mem); out.After <= first {
				t.Errorf("tried again after %s, then after %s", first, out.After)
			}
			c.fail(widget(), nil)
			if out = run(t, flow, app, mem); app.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced || comparisonError(app) != "" || out.After != 0 {
				t.Errorf("after: %s, %q, again in %s", app.Status.Sync.Status, comparisonError(app), out.After)
			}
		})
	}
}

// TestWhatDiffersIsToldBesideTheUnknown: OutOfSync says more than Unknown.
func TestWhatDiffersIsToldBesideTheUnknown(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
	run(t, flow, app, mem)
	app.Operation = nil
	c.fail(widget(), fault.New(fault.Denied, "forbidden"))
	edit(c.memoryCluster, configMap("a"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "2", "data", "k")
	mem.Recheck()
	if run(t, flow, app, mem); app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync || app.Status.Drift.Objects != 1 {
		t.Errorf("%s with drift %+v", app.Status.Sync.Status, app.Status.Drift)
	}
}

// TestAnUnknownObjectIsNeitherCreatedNorPruned: to write what one may not read
// would be a guess.
func TestAnUnknownObjectIsNeitherCreatedNorPruned(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	put(t, c.memoryCluster, `{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: shop}}`)
	c.fail(widget(), fault.New(fault.Denied, "forbidden"))
	c.fail(configMap("left"), fault.New(fault.Denied, "forbidden"))
	app, mem := automated(application(&v1alpha1.SyncOperation{Prune: true})), &Memory{}
	app.Spec.SyncPolicy.Automated.Prune = true
	out := run(t, flow, app, mem)
	if _, created := c.stored[widget()]; created || c.writes != 2 || c.stored[configMap("left")] == nil {
		t.Errorf("%d writes; %v", c.writes, out.Err)
	}
	if state := app.Status.OperationState; state == nil || !strings.Contains(state.Message, "2 objects could not be compared") {
		t.Errorf("the operation says %+v", state)
	}
	if _, err := flow.Teardown(t.Context(), app, mem); err == nil || !strings.Contains(err.Error(), "left") {
		t.Errorf("it goes, and leaves behind what could not be seen: %v", err)
	}
}

// TestOpenDriftOutlivesBlindness: what was open stays open while nobody can
// see the object, also across a restart, and its end is told when it comes.
func TestOpenDriftOutlivesBlindness(t *testing.T) {
	t.Parallel()
	flow, c, events := newFaulty(t, threeMaps)
	app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
	run(t, flow, app, mem)
	app.Operation = nil
	edit(c.memoryCluster, widget(), "kubectl-edit", `{"f:spec":{"f:size":{}}}`, int64(9), "spec", "size")
	mem.Recheck()
	if run(t, flow, app, mem); len(events.events) != 1 || events.events[0].Moment != Opened {
		t.Fatalf("%+v", events.events)
	}
	summary := app.Status.Drift
	c.fail(widget(), fault.New(fault.Denied, "forbidden"))
	for _, mem = range []*Memory{mem, {}} {
		mem.Recheck()
		run(t, flow, app, mem)
		now := *app.Status.Drift
		now.VerifiedAt, summary.VerifiedAt = nil, nil
		if diff := cmp.Diff(*summary, now); diff != "" || len(events.events) != 1 {
			t.Errorf("%d events; drift (-before +blind):\n%s", len(events.events), diff)
		}
	}
	c.fail(widget(), nil)
	edit(c.memoryCluster, widget(), "kubectl-edit", `{"f:spec":{"f:size":{}}}`, int64(1), "spec", "size")
	if run(t, flow, app, mem); len(events.events) != 2 || events.events[1].Moment != Closed || app.Status.Drift.Objects != 0 {
		t.Errorf("%+v with %+v", events.events, app.Status.Drift)
	}
}

// TestAClusterThatDoesNotAnswerKeepsTheLastStatus: where nothing can be read,
// nothing is known of any object.
func TestAClusterThatDoesNotAnswerKeepsTheLastStatus(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	app, mem := automated(application(nil)), &Memory{}
	run(t, flow, app, mem)
	for _, key := range []object.Key{configMap("a"), configMap("b"), widget()} {
		c.fail(key, fault.New(fault.Transient, "connection refused"))
	}
	mem.Recheck()
	out := run(t, flow, app, mem)
	if out.Err == nil || statusOf(app, widget()).Status != v1alpha1.SyncStatusCodeSynced || !strings.Contains(comparisonError(app), "connection refused") {
		t.Errorf("%v, %+v", out.Err, app.Status)
	}
}

// TestAKindThatCannotBeWatched: its objects are read at each look, and those
// that left Git are not forgotten.
func TestAKindThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	app, mem := automated(application(nil)), &Memory{}
	run(t, flow, app, mem)
	c.blind = map[string]error{"Widget": fault.New(fault.Denied, "widgets cannot be listed")}
	old, _ := flow.Clusters.(source)
	next, _, _ := newFaulty(t, strings.Split(threeMaps, "---")[0])
	moved, _ := next.Clusters.(source)
	flow.Sources = source{files: moved.files, cluster: old.cluster}
	for range 2 {
		out := run(t, flow, app, mem)
		if r := statusOf(app, widget()); r.Message != NotInGit || out.After == 0 || !strings.Contains(comparisonError(app), "cannot be listed") {
			t.Fatalf("the widget is %+v, again after %s, %q", r, out.After, comparisonError(app))
		}
	}
	c.memoryCluster.mu.Lock()
	delete(c.stored, widget())
	c.memoryCluster.mu.Unlock()
	if run(t, flow, app, mem); statusOf(app, widget()).Kind != "" {
		t.Errorf("it is gone, and still told: %+v", statusOf(app, widget()))
	}
}

// TestAKindThatTheClusterCannotTellAbout is an API whose server is down.
func TestAKindThatTheClusterCannotTellAbout(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	c.scopes = map[string]error{"Widget": fault.Wrap(fault.Transient, &Answered{errors.New("the server is currently unable to handle the request")})}
	app, mem := automated(application(nil)), &Memory{}
	out := run(t, flow, app, mem)
	if out.Err != nil || c.writes != 2 || statusOf(app, widget()).Status != v1alpha1.SyncStatusCodeUnknown {
		t.Errorf("%v, %d writes, %+v", out.Err, c.writes, statusOf(app, widget()))
	}
}

// breaking panics over one kind.
type breaking struct{ drift.Schemas }

func (b breaking) Kind(gvk schema.GroupVersionKind) *driftschema.Type {
	if gvk.Kind == "Widget" {
		map[string]map[string]string{}["none"]["size"] = "secret text" // what a bug does
	}
	return b.Schemas.Kind(gvk)
}

func TestAPanicOverOneObjectDegradesItAlone(t *testing.T) {
	t.Parallel()
	flow, c, _ := newFaulty(t, threeMaps)
	s, _ := flow.Clusters.(source)
	put(t, c.memoryCluster, threeMaps)
	s.cluster.Schemas = breaking{s.cluster.Schemas}
	app, mem := application(nil), &Memory{}
	run(t, flow, app, mem)
	text := comparisonError(app)
	if !strings.Contains(text, "assignment to entry in nil map, in reconcile.breaking.Kind, line ") || strings.Contains(text, "secret text") {
		t.Errorf("the condition says %q", text)
	}
	if app.Status.Sync.Status != v1alpha1.SyncStatusCodeUnknown || statusOf(app, configMap("a")).Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("%s, %+v", app.Status.Sync.Status, app.Status.Resources)
	}
	if verified := mem.Verified(); !verified.Equal(time.Time{}) {
		t.Errorf("everything was verified at %s", verified)
	}
}
