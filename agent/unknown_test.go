package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestABrokenConversionWebhookConcernsOneObject: what the API server cannot
// convert is Unknown, everything else of the application is kept in order,
// also by an agent that starts anew, and it heals without a restart.
func TestABrokenConversionWebhookConcernsOneObject(t *testing.T) {
	t.Parallel()
	w := start(t)
	group := strings.ReplaceAll(w.namespace, "-", "") + ".example.com"
	version := func(name string, storage bool) map[string]any {
		return map[string]any{"name": name, "served": true, "storage": storage, "schema": map[string]any{"openAPIV3Schema": map[string]any{
			"type": "object", "properties": map[string]any{"spec": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		}}}
	}
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "gadgets." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
			"versions": []any{version("v1", true), version("v2", false)},
		},
	}}
	w.must(w.client.Create(t.Context(), crd))
	t.Cleanup(func() {
		if err := w.client.Delete(context.Background(), crd); err != nil {
			t.Error(err)
		}
	})
	convert := func(conversion string) {
		t.Helper()
		patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"conversion":%s}}`, conversion))
		w.must(w.client.Patch(t.Context(), crd, patch))
	}
	w.write("gadget/all.yaml", fmt.Sprintf(`{apiVersion: %s/v2, kind: Gadget, metadata: {name: g}, spec: {size: 1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: beside}, data: {k: "1"}}
`, group))
	w.commit("Add a gadget")
	w.app("gadget", "gadget", nil)
	w.await("gadget", "synced", good)

	convert(`{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/"}}}`)
	unreadable := func(ctx context.Context) bool {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion(group + "/v2")
		u.SetKind("Gadget")
		return w.client.Get(ctx, client.ObjectKey{Namespace: w.namespace + "-gadget", Name: "g"}, u) != nil
	}
	w.until("the gadget can still be read", unreadable)
	w.restart()
	unknown := func(app *v1alpha1.Application) bool {
		return app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown && says("ComparisonError", "Gadget")(app) && says("ComparisonError", "conversion webhook")(app)
	}
	app := w.await("gadget", "unknown because of the gadget", unknown)
	for _, r := range app.Status.Resources {
		if want := map[string]v1alpha1.SyncStatusCode{"Gadget": "Unknown", "ConfigMap": "Synced"}[r.Kind]; r.Status != want {
			t.Errorf("%s is %s, want %s: %s", r.Kind, r.Status, want, r.Message)
		}
	}
	key, beside := client.ObjectKey{Namespace: w.namespace + "-gadget", Name: "beside"}, &corev1.ConfigMap{}
	w.must(w.client.Get(t.Context(), key, beside))
	beside.Data["k"] = "2"
	w.must(w.client.Update(t.Context(), beside))
	w.until("the config map is not corrected", func(ctx context.Context) bool {

		w.must(w.client.Get(ctx, key, beside))
		return beside.Data["k"] == "1"
	})
	w.await("gadget", "as unknown as before", unknown)

	convert(`{"strategy":"None","webhook":null}`)
	w.await("gadget", "synced again", good)
}
