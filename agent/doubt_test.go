package agent_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// webhook serves a mutating webhook for the config maps of one namespace,
// which sets a key that manifests declare. calls counts those that were no dry
// runs, and dry the others.
func (w *world) webhook(namespace string) (calls, dry *atomic.Int64) {
	w.t.Helper()
	calls, dry = &atomic.Int64{}, &atomic.Int64{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		var review struct {
			Request struct {
				UID    string         `json:"uid"`
				DryRun bool           `json:"dryRun"`
				Object map[string]any `json:"object"`
			} `json:"request"`
		}
		body, err := io.ReadAll(in.Body)
		if err != nil || json.Unmarshal(body, &review) != nil {
			w.t.Errorf("the webhook was sent %s: %v", body, err)
		}
		if review.Request.DryRun {
			dry.Add(1)
		} else {
			calls.Add(1)
		}
		answer := map[string]any{"uid": review.Request.UID, "allowed": true}
		if data, _, _ := unstructured.NestedMap(review.Request.Object, "data"); data["mode"] != nil {
			answer["patchType"], answer["patch"] = "JSONPatch", []byte(`[{"op":"replace","path":"/data/mode","value":"as the webhook wants"}]`)
		}
		out.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(out).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}); err != nil {
			w.t.Error(err)
		}
	}))
	w.t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	configuration := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": map[string]any{"name": namespace},
		"webhooks": []any{map[string]any{
			"name": "mode.example.com", "sideEffects": "None", "failurePolicy": "Fail", "timeoutSeconds": int64(10),
			"admissionReviewVersions": []any{"v1"}, "clientConfig": map[string]any{"url": server.URL + "/", "caBundle": ca},
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": namespace}},
			"rules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE", "UPDATE"}, "resources": []any{"configmaps"}, "scope": "Namespaced",
			}},
		}},
	}}
	w.must(w.client.Create(w.t.Context(), configuration))
	w.t.Cleanup(func() {
		if err := w.client.Delete(context.Background(), configuration); err != nil {
			w.t.Error(err)
		}
	})
	return calls, dry
}

// TestAWebhookThatRewritesIsNoDrift: what a mutating webhook makes of a
// declared field is no drift, and no reason to apply again: the answer to the
// agent's own apply tells it, and after a restart a single dry run.
func TestAWebhookThatRewritesIsNoDrift(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.write("mode/mode.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: mode}, data: {mode: as Git wants, other: x}}\n")
	w.commit("Add a mode")
	namespace := w.namespace + "-mode"
	w.must(w.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	calls, dry := w.webhook(namespace)
	w.app("mode", "mode", nil)
	w.await("mode", "synced", good)
	key := client.ObjectKey{Namespace: namespace, Name: "mode"}
	live := &corev1.ConfigMap{}
	w.must(w.client.Get(t.Context(), key, live))
	if live.Data["mode"] != "as the webhook wants" {
		t.Fatalf("the webhook did nothing: %v", live.Data)
	}
	before := calls.Load() // the controllers write config maps, too
	looks := func(n int) {
		t.Helper()
		for range n {
			app := w.await("mode", "synced", good)
			next := app.DeepCopy()
			next.Annotations = map[string]string{"trueup.dev/refresh": "now"}
			w.must(w.client.Patch(t.Context(), next, client.MergeFrom(app)))
			w.await("mode", "looked at and still synced", func(app *v1alpha1.Application) bool { return app.Annotations["trueup.dev/refresh"] == "" && good(app) })
		}
	}
	looks(3)
	if calls.Load() != before || dry.Load() != 0 || w.count("trueup_dry_runs_total") != 0 {
		t.Errorf("after the apply: %d writes more, %d dry runs", calls.Load()-before, dry.Load())
	}
	w.restart()
	looks(3)
	if calls.Load() != before || dry.Load() != 1 {
		t.Errorf("after a restart: %d writes more, %d dry runs, want one", calls.Load()-before, dry.Load())
	}
	if n := w.count("trueup_dry_runs_total", "ok"); n != 1 {
		t.Errorf("the metric counts %g dry runs", n)
	}

	// A hand that changes something else is corrected, and only that counts.
	w.must(w.client.Get(t.Context(), key, live))
	live.Data["other"] = "y"
	w.must(w.client.Update(t.Context(), live))
	w.until("the hand edit is not undone", func(ctx context.Context) bool {
		w.must(w.client.Get(ctx, key, live))
		return live.Data["other"] == "x"
	})
	w.await("mode", "synced", good)
	if calls.Load() != before+2 || !strings.HasPrefix(live.Data["mode"], "as the webhook") {
		t.Errorf("%d writes more, want the hand's and ours; %v", calls.Load()-before, live.Data)
	}
}
