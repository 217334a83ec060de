package kube_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/reconcile"
)

// apiServer serves two kinds as an API server does: lists end where the limit
// says, and then carry a token for the rest.
func apiServer(t *testing.T, secrets map[string][]string) *rest.Config {
	t.Helper()
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
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
			map[string]any{"name": "secrets", "singularName": "secret", "namespaced": true, "kind": "Secret", "verbs": []string{"get", "list"}},
			map[string]any{"name": "nodes", "singularName": "node", "namespaced": false, "kind": "Node", "verbs": []string{"get", "list"}},
		}})
	})
	list := func(w http.ResponseWriter, r *http.Request, namespaces ...string) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil {
			t.Errorf("a list without a bound: %s", r.URL)
		}
		items, meta := []any{}, map[string]any{}
		for _, ns := range namespaces {
			for _, name := range secrets[ns] {
				if len(items) == limit {
					meta["continue"] = "more"
					break
				}
				items = append(items, map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"namespace": ns, "name": name}})
			}
		}
		write(w, map[string]any{"kind": "SecretList", "apiVersion": "v1", "metadata": meta, "items": items})
	}
	mux.HandleFunc("GET /api/v1/secrets", func(w http.ResponseWriter, r *http.Request) { list(w, r, "other", "shop") })
	mux.HandleFunc("GET /api/v1/namespaces/{ns}/secrets", func(w http.ResponseWriter, r *http.Request) { list(w, r, r.PathValue("ns")) })
	mux.HandleFunc("GET /api/v1/nodes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nodes is forbidden","reason":"Forbidden","code":403}`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func TestListIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	cluster, err := kube.Connect("test", apiServer(t, map[string][]string{"shop": {"a", "b"}, "other": {"c"}}), func(string, reconcile.Sighting) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	for _, tc := range []struct {
		reason, kind, namespace string
		most                    int
		want                    []string
		fault                   fault.Kind
		says                    string
	}{
		{reason: "one namespace", kind: "Secret", namespace: "shop", most: 2, want: []string{"shop/a", "shop/b"}},
		{reason: "all namespaces", kind: "Secret", most: 3, want: []string{"other/c", "shop/a", "shop/b"}},
		{reason: "nothing is an answer", kind: "Secret", namespace: "none", most: 1},
		{reason: "a part would be taken for all", kind: "Secret", most: 2, fault: fault.Invalid, says: "more than 2"},
		{reason: "a kind that nobody serves", kind: "Widget", most: 1, fault: fault.Missing},
		{reason: "what the agent may not read", kind: "Node", most: 1, fault: fault.Denied, says: "forbidden"},
	} {
		found, err := cluster.List(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: tc.kind}, tc.namespace, tc.most)
		if fault.Of(err) != tc.fault || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.reason, err)
		}
		var got []string
		for _, u := range found {
			got = append(got, u.GetNamespace()+"/"+u.GetName())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}
