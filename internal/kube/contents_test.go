package kube_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestContents: every kind of a namespace is listed page by page and without
// content; those that are never orphaned and those of the cluster are not
// asked for, and one that is forbidden is told.
func TestContents(t *testing.T) {
	t.Parallel()
	var asked []string
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	kind := func(name, kind string, namespaced bool) map[string]any {
		return map[string]any{"name": name, "namespaced": namespaced, "kind": kind, "verbs": []string{"get", "list"}}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	})
	mux.HandleFunc("GET /apis", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{}})
	})
	mux.HandleFunc("GET /api/v1", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIResourceList", "groupVersion": "v1", "resources": []any{
			kind("configmaps", "ConfigMap", true), kind("secrets", "Secret", true), kind("events", "Event", true), kind("nodes", "Node", false),
			map[string]any{"name": "bindings", "namespaced": true, "kind": "Binding", "verbs": []string{"create"}},
		}})
	})
	object := func(name string, more map[string]any) map[string]any {
		m := map[string]any{"name": name, "namespace": "shop"}
		for k, v := range more {
			m[k] = v
		}
		return map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": m}
	}
	mux.HandleFunc("GET /api/v1/namespaces/shop/{kind}", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.PathValue("kind"))
		if !strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadataList") || r.URL.Query().Get("limit") == "" {
			t.Errorf("%s asks for more than metadata in pages: %s", r.URL, r.Header.Get("Accept"))
		}
		list := func(token string, items ...any) {
			write(w, map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": map[string]any{"continue": token}, "items": items})
		}
		switch {
		case r.PathValue("kind") == "secrets":
			w.WriteHeader(http.StatusForbidden)
			write(w, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no secrets for you"})
		case r.URL.Query().Get("continue") == "":
			list("more", object("a", map[string]any{"annotations": map[string]string{"x": "y"}}))
		default:
			list("", object("b", map[string]any{"ownerReferences": []any{map[string]any{"kind": "A", "name": "a", "uid": "1", "apiVersion": "v1"}}}))
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, err := kube.Connect("test", &rest.Config{Host: server.URL}, func(string, reconcile.Sighting) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	all, skipped, err := c.Contents(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(asked) // discovery tells kinds in any order
	if diff := cmp.Diff([]string{"configmaps", "configmaps", "secrets"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if len(all) != 2 || all[0].Key.Short() != "ConfigMap shop/a" || all[0].Annotations["x"] != "y" || all[0].Owned || !all[1].Owned {
		t.Errorf("found %+v", all)
	}
	if len(skipped) != 1 || !strings.HasPrefix(skipped[0], "Secret: ") || !strings.Contains(skipped[0], "no secrets for you") {
		t.Errorf("skipped %q", skipped)
	}
}
