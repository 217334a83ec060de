package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// near makes an application in the agent's own cluster, which is not
// corrected.
func (w *world) near(name, manifests string) *subject {
	w.t.Helper()
	w.write(name+"/all.yaml", manifests)
	w.commit("Describe " + name)
	w.app(name, name, func(app *v1alpha1.Application) { app.Spec.SyncPolicy.Automated.SelfHeal = false })
	w.await(name, "synced and healthy", good)
	return &subject{matrix: &matrix{world: w}, t: w.t, name: name, ns: w.namespace + "-" + name}
}

func unknown(app *v1alpha1.Application) bool {
	return app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown
}

// ofMaps reports requests for config maps that are tracked.
func ofMaps(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/configmaps") }

// TestExpiredWatch: events that were lost while a watch was down, and are not
// kept any more when it comes back, are found in the list that follows.
func TestExpiredWatch(t *testing.T) {
	t.Parallel()
	server := &tap{}
	w := start(t, func(o *agent.Options) { o.Config = server.on(o.Config) })
	s := w.near("expired", twoMaps)
	server.deaf.Store(true)
	s.patch(s.get("v1", "ConfigMap", "one"), "kubectl-edit", mergePatch(`{"data":{"a":"x"}}`))
	s.check(s.client.Delete(t.Context(), s.get("v1", "ConfigMap", "two")))
	w.until("the events are lost", func(context.Context) bool { return server.swallowed.Load() >= 2 })
	var expired atomic.Int64
	server.setRefuse(func(req *http.Request) *http.Response {
		if !ofMaps(req) || req.URL.Query().Get("watch") == "" || expired.Add(1) > 3 {
			return nil
		}
		return refusal(req, http.StatusGone, "Expired")
	})
	server.deaf.Store(false)
	server.hangUp()
	w.await("expired", "drifted", drifted(1))
	if expired.Load() == 0 {
		t.Error("no watch was refused")
	}
	app := w.await("expired", "aware of the deletion", func(a *v1alpha1.Application) bool { return a.Status.Drift.Objects == 2 })
	want := append(changed("ConfigMap", "one", "data.a", "kubectl-edit"), changed("ConfigMap", "two", "", "")...)
	slices.Sort(want)
	if diff := cmp.Diff(want, told(app)); diff != "" {
		t.Errorf("the status tells (-want +got):\n%s", diff)
	}
}

// TestRightsTakenAway: an agent that may not see a kind any more does not call
// its objects in sync, and goes on when it may again.
func TestRightsTakenAway(t *testing.T) {
	t.Parallel()
	server := &tap{}
	w := start(t, func(o *agent.Options) { o.Config, o.Unreachable = server.on(o.Config), time.Second })
	s := w.near("denied", twoMaps)
	s.patch(s.get("v1", "ConfigMap", "one"), "kubectl-edit", mergePatch(`{"data":{"a":"x"}}`))
	w.await("denied", "drifted", drifted(1))
	server.setRefuse(func(req *http.Request) *http.Response {
		if strings.Contains(req.URL.Path, "/configmaps") {
			return refusal(req, http.StatusForbidden, "Forbidden")
		}
		return nil
	})
	server.hangUp()
	app := w.await("denied", "unknown", unknown)
	if c := apimeta.FindStatusCondition(app.Status.Conditions, "ComparisonError"); c == nil || !strings.Contains(c.Message, "the test says no") {
		t.Errorf("the condition says %+v", c)
	}
	if d := app.Status.Drift; d == nil || d.Fields != 1 {
		t.Errorf("what was open is lost: %+v", d)
	}
	s.patch(s.get("v1", "ConfigMap", "two"), "kubectl-edit", mergePatch(`{"data":{"a":"x"}}`))
	server.setRefuse(nil)
	w.await("denied", "drifted in two places", drifted(2))
	if got := w.moments("denied"); got != "opened data.a, opened data.a" {
		t.Errorf("the timeline reads %q", got)
	}
}

// TestDefinitionRemoved: the objects of a kind that is removed are missing,
// and back when it is.
func TestDefinitionRemoved(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := &subject{matrix: &matrix{world: w}, t: t, name: "kind", ns: w.namespace + "-kind"}
	s.widgets("v1")
	w.near("kind", twoMaps+"---\n"+gear(s.ns, "v1"))
	crd := s.definition(t.Context(), "widgets."+s.ns+".example.com")
	w.must(w.client.Delete(t.Context(), crd))
	app := w.await("kind", "out of sync", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced })
	w.byHandHere("kind", "one", "x")
	w.await("kind", "out of sync still", func(a *v1alpha1.Application) bool {
		return a.Status.Sync.Status != v1alpha1.SyncStatusCodeSynced
	})
	next := app.DeepCopy()
	next.Spec.SyncPolicy.Automated.SelfHeal = true
	w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
	s.widgets("v1")
	w.await("kind", "synced and healthy", good)
	s.get(s.ns+".example.com/v1", "Widget", "gear")
}

// TestBrokenConversion: objects that the server cannot convert are not called
// in sync, and are looked at again when it can.
func TestBrokenConversion(t *testing.T) {
	t.Parallel()
	server := &tap{}
	w := start(t, func(o *agent.Options) { o.Config, o.Unreachable = server.on(o.Config), time.Second })
	s := &subject{matrix: &matrix{world: w}, t: t, name: "convert", ns: w.namespace + "-convert"}
	s.widgets("v1")
	w.near("convert", gear(s.ns, "v2"))
	convert := func(how string) {
		crd := s.definition(t.Context(), "widgets."+s.ns+".example.com")
		s.patch(crd, "kubectl-edit", mergePatch(`{"spec":{"conversion":`+how+`}}`))
	}
	convert(`{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/convert"}}}`)
	w.until("the webhook is asked", func(ctx context.Context) bool {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: s.ns + ".example.com", Version: "v2", Kind: "Widget"})
		return w.client.Get(ctx, client.ObjectKey{Namespace: s.ns, Name: "gear"}, u) != nil
	})
	server.hangUp()
	w.await("convert", "unknown", unknown)
	convert(`{"strategy":"None","webhook":null}`)
	w.until("objects are converted again", func(ctx context.Context) bool {
		u := parse("{apiVersion: %s.example.com/v2, kind: Widget, metadata: {name: gear, namespace: %s}}", s.ns, s.ns)
		return w.client.Patch(ctx, u, mergePatch(`{"spec":{"size":2}}`)) == nil
	})
	w.await("convert", "drifted", drifted(1))
}

func gear(group, version string) string {
	return fmt.Sprintf("apiVersion: %s.example.com/%s\nkind: Widget\nmetadata: {name: gear}\nspec: {size: 1}\n", group, version)
}

func (w *world) byHandHere(app, name, value string) {
	w.t.Helper()
	u := parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: %s}}", name, w.namespace+"-"+app)
	w.must(w.client.Patch(w.t.Context(), u, mergePatch(`{"data":{"a":"`+value+`"}}`)))
}

// TestLargeObjects: a config map of nearly 1 MB and one with a thousand
// managers are compared, told with bounded values, and watched.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.near("large", fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: big}, data: {a: %q, b: small}}\n---\n%s", strings.Repeat("x", 900<<10), twoMaps))
	big := s.get("v1", "ConfigMap", "big")
	s.patch(big, "kubectl-edit", mergePatch(`{"data":{"a":"`+strings.Repeat("y", 900<<10)+`"}}`))
	app := w.await("large", "drifted", drifted(1))
	if c := app.Status.Drift.Changes[0]; c.Path != "data.a" || len(c.Live.Raw) > 2<<10 || len(c.Desired.Raw) > 2<<10 {
		t.Errorf("a large value is told as %s with %d and %d bytes", c.Path, len(c.Desired.Raw), len(c.Live.Raw))
	}
	one := s.get("v1", "ConfigMap", "one")
	entries := one.GetManagedFields()
	at := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for i := range 1000 {
		entries = append(entries, metav1.ManagedFieldsEntry{
			Manager: fmt.Sprintf("operator-%d", i), Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", Time: &at, FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:b":{}}}`),
		})
	}
	one.SetManagedFields(entries)
	s.check(s.as("kubectl-edit").Update(t.Context(), set(one, "x", "data", "a")))
	if n := len(s.get("v1", "ConfigMap", "one").GetManagedFields()); n < 1000 {
		t.Fatalf("the server kept %d managers", n)
	}
	w.await("large", "drifted in two places", drifted(2))
	s.patch(s.get("v1", "ConfigMap", "one"), "kubectl-edit", mergePatch(`{"data":{"a":"1"}}`))
	w.await("large", "drifted in one place", drifted(1))
}
