package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
)

// decisionWorld holds one ConfigMap, and objects under what they are asked by.
type decisionWorld struct {
	config  map[string]string
	objects map[string][]string // JSON of the objects, by the question
	asked   *string
}

func (w decisionWorld) ConfigMap(_ context.Context, namespace, name string) (map[string]string, error) {
	if w.config == nil {
		return nil, fault.New(fault.Missing, "no ConfigMap %s/%s", namespace, name)
	}
	return w.config, nil
}

func (w decisionWorld) Select(_ context.Context, kind schema.GroupVersionKind, namespace string, by metav1.ListOptions) ([]*unstructured.Unstructured, error) {
	*w.asked = fmt.Sprintf("%s %s %s %s%s", kind.GroupVersion(), kind.Kind, namespace, by.FieldSelector, by.LabelSelector)
	var out []*unstructured.Unstructured
	for _, text := range w.objects[*w.asked] {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

func TestDecide(t *testing.T) {
	t.Parallel()
	config := func(more ...string) map[string]string {
		out := map[string]string{"apiVersion": "example.com/v1", "kind": "placements", "matchKey": "clusterName"}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	named := &v1alpha1.DuckTypeGenerator{ConfigMapRef: "how", Name: "where"}
	labelled := &v1alpha1.DuckTypeGenerator{ConfigMapRef: "how", LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}
	const one, byLabel = "example.com/v1 placements argocd metadata.name=where", "example.com/v1 placements argocd app=web"
	for _, tc := range []struct {
		reason  string
		gen     *v1alpha1.DuckTypeGenerator
		config  map[string]string
		objects map[string][]string
		want    appset.Decision
		fault   fault.Kind
		says    string
	}{
		{
			reason: "one object by its name, the list is called clusters", gen: named, config: config(),
			objects: map[string][]string{one: {`{"status":{"clusters":[{"clusterName":"eu"},{"clusterName":"us"}]}}`}},
			want:    appset.Decision{MatchKey: "clusterName", Items: []map[string]any{{"clusterName": "eu"}, {"clusterName": "us"}}},
		},
		{
			reason: "several by their labels, in the order of their names, another list", gen: labelled, config: config("statusListKey", "decisions", "matchKey", ""),
			objects: map[string][]string{byLabel: {
				`{"metadata":{"name":"b"},"status":{"decisions":[{"c":"2"}]}}`, `{"metadata":{"name":"a"},"status":{"decisions":[{"c":"1"}]}}`,
			}},
			want: appset.Decision{Items: []map[string]any{{"c": "1"}, {"c": "2"}}},
		},
		{
			reason: "an empty list is a decision", gen: named, config: config(),
			objects: map[string][]string{one: {`{"status":{"clusters":[]}}`}}, want: appset.Decision{MatchKey: "clusterName"},
		},
		{
			reason: "no list is none yet", gen: labelled, config: config(),
			objects: map[string][]string{byLabel: {`{"status":{"clusters":[{"clusterName":"eu"}]}}`, `{"metadata":{"name":"where-2"}}`}},
			want:    appset.Decision{MatchKey: "clusterName", Undecided: []string{"placements where-2"}, Items: []map[string]any{{"clusterName": "eu"}}},
		},
		{
			reason: "a list of another shape", gen: named, config: config(),
			objects: map[string][]string{one: {`{"kind":"Placement","metadata":{"name":"where"},"status":{"clusters":[{},"eu"]}}`}},
			fault:   fault.Invalid, says: "status.clusters[1] of Placement where is not a map",
		},
		{
			reason: "no list at all where one must be", gen: named, config: config(),
			objects: map[string][]string{one: {`{"status":{"clusters":{"a":"b"}}}`}}, fault: fault.Invalid, says: "is not a list",
		},
		{reason: "no object", gen: named, config: config(), fault: fault.Missing, says: "there is no placements of example.com/v1 where in argocd"},
		{reason: "no ConfigMap", gen: named, fault: fault.Missing, says: "no ConfigMap argocd/how"},
		{reason: "a core kind", gen: named, config: config("apiVersion", "v1"), fault: fault.Invalid, says: `it has "v1" and "placements"`},
		{reason: "no kind", gen: named, config: config("kind", ""), fault: fault.Invalid, says: "GROUP/VERSION"},
		{
			reason: "a selector that is none", config: config(), fault: fault.Invalid, says: "labelSelector",
			gen: &v1alpha1.DuckTypeGenerator{ConfigMapRef: "how", LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"a b": "c"}}},
		},
	} {
		asked := ""
		decisions := kube.Decisions{Objects: decisionWorld{tc.config, tc.objects, &asked}, Namespace: "argocd"}
		got, err := decisions.Decide(t.Context(), "team", tc.gen)
		if fault.Of(err) != tc.fault || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %s %v", tc.reason, fault.Of(err), err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); err == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

// TestSelect reads all pages of a kind, by its kind or as a resource.
func TestSelect(t *testing.T) {
	t.Parallel()
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	version := map[string]any{"groupVersion": "example.com/v1", "version": "v1"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	})
	mux.HandleFunc("GET /apis", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{
			map[string]any{"name": "example.com", "versions": []any{version}, "preferredVersion": version},
		}})
	})
	mux.HandleFunc("GET /apis/example.com/v1", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"kind": "APIResourceList", "groupVersion": "example.com/v1", "resources": []any{
			map[string]any{"name": "placements", "singularName": "placement", "namespaced": true, "kind": "Placement", "verbs": []string{"get", "list"}},
		}})
	})
	mux.HandleFunc("GET /apis/example.com/v1/namespaces/argocd/placements", func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("labelSelector"); got != "app=web" {
			t.Errorf("the selector is %q", got)
		}
		name, meta := "a", map[string]any{"continue": "more"}
		if r.URL.Query().Get("continue") == "more" {
			name, meta = "b", map[string]any{}
		}
		write(w, map[string]any{"kind": "PlacementList", "apiVersion": "example.com/v1", "metadata": meta, "items": []any{
			map[string]any{"apiVersion": "example.com/v1", "kind": "Placement", "metadata": map[string]any{"name": name}},
		}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	cluster, err := kube.Connect("test", &rest.Config{Host: server.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	for _, kind := range []string{"Placement", "placements", "Placements", "placement"} {
		found, err := cluster.Select(t.Context(), schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: kind}, "argocd", metav1.ListOptions{LabelSelector: "app=web"})
		if err != nil || len(found) != 2 || found[0].GetName() != "a" || found[1].GetName() != "b" {
			t.Errorf("%s: %v, %v", kind, found, err)
		}
	}
	if _, err := cluster.Select(t.Context(), schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "widgets"}, "argocd", metav1.ListOptions{}); fault.Of(err) != fault.Missing {
		t.Errorf("a kind that nobody serves: %v", err)
	}
}
