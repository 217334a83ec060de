package agent_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift/attribution"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
)

// person is a client with the manager that kubectl edit has.
func (w *world) person(file string, change func(*rest.Config)) client.Client {
	w.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", file)
	w.must(err)
	if change != nil {
		change(config)
	}
	c, err := kube.NewClient(config)
	w.must(err)
	return client.WithFieldOwner(c, "kubectl-edit")
}

// TestWhoDidIt: a real API server sends its audit events to the agent, and the
// users whom they name are told in the status and in the timeline: of an edit,
// one by impersonation, a removal, a deletion, and of an edit that was
// corrected before its event came.
func TestWhoDidIt(t *testing.T) {
	t.Parallel()
	audited := clustertest.Audit(t, "edge")
	w := start(t, func(o *agent.Options) {
		o.Webhooks, o.WebhookCert, o.WebhookKey = audited.Address, audited.Cert, audited.Key
	})
	proof := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "trueup-webhook", Namespace: w.namespace}, StringData: map[string]string{"webhook.audit.edge.token": audited.Token}}
	w.must(w.client.Create(t.Context(), proof))
	w.write("who/web.yaml", scaled+"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: limits, labels: {team: shop}}, data: {max: \"5\"}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: note}}\n")
	w.commit("Add who")
	toEdge := func(heal bool) func(*v1alpha1.Application) {
		return func(a *v1alpha1.Application) {
			a.Spec.Destination = v1alpha1.ApplicationDestination{Name: "edge", Namespace: w.namespace + "-" + a.Name}
			a.Spec.SyncPolicy.Automated.SelfHeal = heal
		}
	}
	w.app("who", "who", toEdge(false))
	w.app("healed", "who", toEdge(true))
	w.await("who", "synced and healthy", good)
	w.await("healed", "synced and healthy", good)

	ana := w.person(audited.Kubeconfig, nil)
	ben := client.WithFieldOwner(w.person(clustertest.Kubeconfig(t, "edge"), func(c *rest.Config) {
		c.Impersonate = rest.ImpersonationConfig{UserName: "ben", Groups: []string{"system:masters"}}
	}), "ben's-script")
	ns := w.namespace + "-who"
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}}
	limits := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "limits"}}
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "note"}}
	// Not before the agent knows the token.
	began := time.Now()
	w.must(ana.Patch(t.Context(), web, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":5}}`))))
	app := w.await("who", "told of ana", func(a *v1alpha1.Application) bool { return change(a, "web", "spec.replicas").User != "" })
	t.Logf("told %s after the edit", time.Since(began))
	if c := change(app, "web", "spec.replicas"); c.User != "ana" || c.Address != "127.0.0.1" || c.Manager != "kubectl-edit" || c.Client != "kubectl-edit" || c.Impersonator != "" {
		t.Errorf("the edit is told as %+v", c)
	}
	w.must(ben.Patch(t.Context(), limits, client.RawPatch(types.MergePatchType, []byte(`{"data":{"max":"9"}}`))))
	w.await("who", "told of ben", func(a *v1alpha1.Application) bool { return change(a, "limits", "data.max").User != "" })
	w.must(ana.Patch(t.Context(), limits, client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/metadata/labels/team"}]`))))
	w.must(ana.Delete(t.Context(), note))
	for _, tc := range []struct{ name, path, user, by string }{
		{"limits", "data.max", "ben", "kubernetes-admin"},
		{"limits", "metadata.labels.team", "ana", ""},
		{"note", "", "ana", ""},
	} {
		app = w.await("who", "told of "+tc.path, func(a *v1alpha1.Application) bool { return change(a, tc.name, tc.path).User != "" })
		if c := change(app, tc.name, tc.path); c.User != tc.user || c.Impersonator != tc.by || c.Address != "127.0.0.1" || tc.path == "metadata.labels.team" && c.Manager != "" {
			t.Errorf("%s %s is told as %+v", tc.name, tc.path, c)
		}
	}

	// The API server's own log tells the same of the file alone, but for what
	// nobody owns: whose hand that was, only the agent saw.
	log, err := os.Open(audited.Log)
	w.must(err)
	defer log.Close() //nolint:errcheck // nothing was written
	byRef := map[audit.Ref][]audit.Event{}
	n, err := audit.ReadLines(log, func(e audit.Event) { byRef[e.Ref] = append(byRef[e.Ref], e) })
	w.must(err)
	for _, events := range byRef {
		audit.Self{}.Mark(events)
	}
	for _, c := range app.Status.Drift.Changes {
		online := c.DeepCopy()
		c.DriftActor = v1alpha1.DriftActor{}
		attribution.Change(&c, func(key object.Key) []audit.Event { return byRef[audit.RefOf(key)] })
		if c.Path == "metadata.labels.team" {
			if text := audit.Text(audit.Shown(c)); !strings.HasPrefix(text, "one of ana from 127.0.0.1, ben") {
				t.Errorf("of %+v, by the log alone: %s", n, text)
			}
			continue
		}
		if diff := cmp.Diff(audit.Shown(*online), audit.Shown(c)); diff != "" {
			t.Errorf("%s %s by the log alone:\n%s", c.Name, c.Path, diff)
		}
	}

	web.Namespace = w.namespace + "-healed"
	w.must(ana.Patch(t.Context(), web, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":7}}`))))
	w.until("the timeline tells who made what was corrected at once", func(ctx context.Context) bool {
		all, err := w.history.Drifts(ctx, history.Query{App: w.namespace + "/healed", User: "ana", Path: "spec.replicas"})
		return err == nil && slices.ContainsFunc(all, func(d history.Drift) bool { return d.Live == "7" && len(d.Audit) == 1 && d.Audit[0].User == "ana" })
	})
	if n := w.count("trueup_audit_events_total", "edge", "kept"); n == 0 {
		t.Error("no audit events are counted")
	}
}

// change is what a status tells of one field, or of an object as a whole.
func change(a *v1alpha1.Application, name, path string) v1alpha1.DriftChange {
	if a.Status.Drift != nil {
		for _, c := range a.Status.Drift.Changes {
			if c.Name == name && c.Path == path {
				return c
			}
		}
	}
	return v1alpha1.DriftChange{}
}
