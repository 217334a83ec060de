package reconcile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// rewriting is a cluster with a webhook: what is applied is stored with
// another value, which stays the applier's.
type rewriting struct {
	*memoryCluster
	rewrite  func(u *unstructured.Unstructured)
	version  int
	tries    int
	refusing error
}

func (c *rewriting) stores(u *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	c.rewrite(u)
	u.SetManagedFields([]metav1.ManagedFieldsEntry{{
		Manager: object.FieldManager, Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:k":{},"f:other":{}}}`),
	}})
	c.version++
	u.SetResourceVersion(fmt.Sprint(c.version))
	return u
}

func (c *rewriting) Apply(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.memoryCluster.Apply(ctx, c.stores(u))
}

func (c *rewriting) Try(_ context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	c.tries++
	if c.refusing != nil {
		return nil, c.refusing
	}
	return c.stores(u), nil
}

const oneMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {k: "1", other: "x"}}`

func newRewriting(t *testing.T) (*Flow, *rewriting) {
	t.Helper()
	flow, memory := newFlow(t, oneMap)
	c := &rewriting{memoryCluster: memory, rewrite: func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(u.Object, "from the webhook", "data", "k")
	}}
	s, ok := flow.Clusters.(source)
	if !ok {
		t.Fatal("the flow has another source")
	}
	s.cluster.Writer, s.cluster.Objects, s.cluster.Trials = c, c, c
	return flow, c
}

func fieldsOf(mem *Memory) string {
	var out []string
	for _, f := range mem.snapshot()[configMap("a")].verdict.Fields {
		out = append(out, strings.TrimSpace(string(f.Class)+" "+f.Path+" "+f.Rule))
	}
	return strings.Join(out, ", ")
}

// TestWhatTheServerRewritesIsNoDrift: what comes back from our own apply tells
// it, and after a restart one dry run does, however often one looks.
func TestWhatTheServerRewritesIsNoDrift(t *testing.T) {
	t.Parallel()
	flow, c := newRewriting(t)
	app, mem := automated(application(nil)), &Memory{}
	for range 3 {
		run(t, flow, app, mem)
		mem.Recheck()
	}
	if c.writes != 1 || c.tries != 0 || app.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced || app.Status.Drift.Objects != 0 {
		t.Errorf("%d writes, %d dry runs, %s, drift %+v", c.writes, c.tries, app.Status.Sync.Status, app.Status.Drift)
	}
	mem = &Memory{}
	for range 3 {
		run(t, flow, app, mem)
		if got := fieldsOf(mem); got != "expected data.k server" {
			t.Errorf("the verdict is %s", got)
		}
		mem.Recheck()
	}
	if c.writes != 1 || c.tries != 1 || app.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Errorf("after a restart: %d writes, %d dry runs, %s", c.writes, c.tries, app.Status.Sync.Status)
	}
	report, err := flow.Compare(t.Context(), app, "")
	if err != nil || report.Objects[0].State != drift.InSync || c.tries != 2 {
		t.Errorf("diff says %+v after %d dry runs: %v", report.Objects, c.tries, err)
	}
	// An answer is not believed for ever.
	later := flow.Now().Add(2 * time.Hour)
	flow.Now = func() time.Time { return later }
	mem.Recheck()
	if run(t, flow, app, mem); c.tries != 3 {
		t.Errorf("%d dry runs two hours later", c.tries)
	}
}

// TestAHandEditIsDriftBesideAWebhook: what somebody else wrote is corrected,
// without a question.
func TestAHandEditIsDriftBesideAWebhook(t *testing.T) {
	t.Parallel()
	flow, c := newRewriting(t)
	app, mem := automated(application(nil)), &Memory{}
	run(t, flow, app, mem)
	edit(c.memoryCluster, configMap("a"), "kubectl-edit", `{"f:data":{"f:k":{}}}`, "by hand", "data", "k")
	mem.Recheck()
	if run(t, flow, app, mem); c.writes != 2 || c.tries != 0 || fieldsOf(mem) != "expected data.k server" {
		t.Errorf("%d writes, %d dry runs, %s", c.writes, c.tries, fieldsOf(mem))
	}
}

// TestWithoutADryRunTheVerdictStands, with the reason. What a refusal says of
// one version of an object holds for that version; where it may go better
// later, it is tried again.
func TestWithoutADryRunTheVerdictStands(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		tries int
		again bool
	}{
		"a webhook with side effects": {fault.New(fault.Denied, "the webhook x may have side effects"), 1, false},
		"a server that is too busy":   {fault.New(fault.Transient, "x was asked too often"), 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow, c := newRewriting(t)
			app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
			run(t, flow, app, mem)
			app.Operation, mem, c.refusing = nil, &Memory{}, tc.err
			for range 3 {
				out := run(t, flow, app, mem)
				if r := statusOf(app, configMap("a")); app.Status.Sync.Status != v1alpha1.SyncStatusCodeOutOfSync || !strings.Contains(r.Message, tc.err.Error()) {
					t.Errorf("%s, %+v", app.Status.Sync.Status, r)
				}
				if (out.After > 0) != tc.again {
					t.Errorf("it looks again after %s", out.After)
				}
				mem.Recheck()
			}
			if c.tries != tc.tries {
				t.Errorf("%d dry runs, want %d", c.tries, tc.tries)
			}
			// Self-heal applies once, and learns from what came back.
			automated(app)
			before := c.writes
			for range 3 {
				run(t, flow, app, mem)
				mem.Recheck()
			}
			if c.writes != before+1 || app.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
				t.Errorf("self-heal wrote %d times, and left it %s", c.writes-before, app.Status.Sync.Status)
			}
		})
	}
}

// TestWhatGitChangedIsNotAskedAbout: applying it is what a sync is for.
func TestWhatGitChangedIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	flow, c := newRewriting(t)
	c.rewrite = func(*unstructured.Unstructured) {}
	app, mem := application(&v1alpha1.SyncOperation{}), &Memory{}
	run(t, flow, app, mem)
	app.Operation = nil
	old, _ := flow.Clusters.(source)
	moved, _ := newFlow(t, strings.ReplaceAll(oneMap, `"1"`, `"2"`))
	flow.Sources = source{files: moved.Sources.(source).files, cluster: old.cluster} //nolint:forcetypeassert // newFlow makes it
	if run(t, flow, app, mem); c.tries != 0 || fieldsOf(mem) != "declared data.k" {
		t.Errorf("%d dry runs, %s", c.tries, fieldsOf(mem))
	}
}
