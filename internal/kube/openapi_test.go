package kube_test

import (
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/kube"
)

// describing is an API server that serves widgets, whose definition must not
// be read, and describes them in an OpenAPI document.
type describing struct {
	t       *testing.T
	mu      sync.Mutex
	body    string // of the document
	hash    string // as the index has it; that of the body where empty
	index   int    // status of the index, 200 where 0
	patches []string
	hooks   any
	reads   map[string]int
}

func (d *describing) serve() *rest.Config {
	d.t.Helper()
	d.reads = map[string]int{}
	server := httptest.NewServer(d)
	d.t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func (d *describing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads[r.Method+" "+r.URL.Path]++
	w.Header().Set("Content-Type", "application/json")
	write := func(v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			d.t.Error(err)
		}
	}
	refuse := func(code int, reason string) {
		w.WriteHeader(code)
		write(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code})
	}
	hash := d.hash
	if hash == "" {
		hash = fmt.Sprintf("%X", sha512.Sum512([]byte(d.body)))
	}
	switch path := r.URL.Path; {
	case path == "/api":
		write(map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	case path == "/apis":
		write(map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{map[string]any{
			"name": "example.com", "versions": []any{map[string]any{"groupVersion": "example.com/v1", "version": "v1"}},
			"preferredVersion": map[string]any{"groupVersion": "example.com/v1", "version": "v1"},
		}}})
	case path == "/apis/example.com/v1":
		write(map[string]any{"kind": "APIResourceList", "groupVersion": "example.com/v1", "resources": []any{
			map[string]any{"name": "widgets", "singularName": "widget", "namespaced": true, "kind": "Widget", "verbs": []string{"get", "list", "patch"}},
		}})
	case path == "/api/v1":
		write(map[string]any{"kind": "APIResourceList", "groupVersion": "v1", "resources": []any{}})
	case path == "/openapi/v3" && d.index != 0:
		refuse(d.index, "Forbidden")
	case path == "/openapi/v3":
		write(map[string]any{"paths": map[string]any{"apis/example.com/v1": map[string]any{"serverRelativeURL": "/openapi/v3/apis/example.com/v1?hash=" + hash}}})
	case path == "/openapi/v3/apis/example.com/v1":
		if r.URL.Query().Get("hash") != hash {
			d.t.Errorf("the document was asked for as %s", r.URL)
		}
		_, _ = w.Write([]byte(d.body))
	case strings.HasPrefix(path, "/apis/admissionregistration.k8s.io/v1/") && d.hooks != nil:
		write(map[string]any{"kind": "List", "apiVersion": "v1", "items": d.hooks})
	case r.Method == http.MethodPatch:
		d.patches = append(d.patches, r.URL.RequestURI())
		write(map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "w", "namespace": "shop"}, "spec": map[string]any{"size": 9}})
	default:
		refuse(http.StatusForbidden, "Forbidden")
	}
}

// asked counts the requests of a path.
func (d *describing) asked(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads[what]
}

func widgets(listType string) string {
	return `{"openapi":"3.0.0","components":{"schemas":{"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":{"type":"object"},
"com.example.v1.Widget":{"type":"object","x-kubernetes-group-version-kind":[{"group":"example.com","version":"v1","kind":"Widget"}],"properties":{
"metadata":{"allOf":[{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]},
"spec":{"type":"object","properties":{"tags":{"type":"array","x-kubernetes-list-type":"` + listType + `","items":{"type":"string"}}}}}}}}}`
}

func widgetKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
}

func tagsOf(t *driftschema.Type) driftschema.List {
	tags := t.Field("spec").Field("tags")
	if tags == nil {
		return ""
	}
	return tags.List
}

func connectTo(t *testing.T, config *rest.Config) *kube.Cluster {
	t.Helper()
	c, err := kube.Connect("test", config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestKindsFromOpenAPI: what must not be read as a definition is known from
// the documents, one fetch for all clusters that serve the same one.
func TestKindsFromOpenAPI(t *testing.T) {
	t.Parallel()
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const document, index = "GET /openapi/v3/apis/example.com/v1", "GET /openapi/v3"
	var shared kube.Documents
	first := &describing{t: t, body: widgets("set")}
	schemas := kube.NewSchemas(builtin, connectTo(t, first.serve()), &shared)
	for range 3 {
		if got := tagsOf(schemas.Kind(widgetKind())); got != driftschema.ListSet {
			t.Fatalf("tags are %q", got)
		}
	}
	if first.asked(document) != 1 || first.asked(index) != 1 {
		t.Errorf("%v", first.reads)
	}
	if schemas.Native(widgetKind().GroupKind()) {
		t.Error("a custom kind is held for a native one")
	}
	if deployment := schemas.Kind(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}); !deployment.Known() || !schemas.Native(schema.GroupKind{Group: "apps", Kind: "Deployment"}) {
		t.Error("what the documents do not describe is not known as it is built in")
	}

	alike := &describing{t: t, body: widgets("set")}
	if got := tagsOf(kube.NewSchemas(builtin, connectTo(t, alike.serve()), &shared).Kind(widgetKind())); got != driftschema.ListSet || alike.asked(document) != 0 {
		t.Errorf("another cluster that serves the same document: %q after %d fetches", got, alike.asked(document))
	}
	// One cluster cannot change what the kinds of another are.
	liar := &describing{t: t, body: widgets("atomic"), hash: "AB12"}
	if got := tagsOf(kube.NewSchemas(builtin, connectTo(t, liar.serve()), &shared).Kind(widgetKind())); got != driftschema.ListAtomic {
		t.Errorf("a document with a hash of its own: %q", got)
	}
	victim := &describing{t: t, body: widgets("set"), hash: "AB12"}
	if got := tagsOf(kube.NewSchemas(builtin, connectTo(t, victim.serve()), &shared).Kind(widgetKind())); got != driftschema.ListSet {
		t.Errorf("after somebody else used that hash: %q", got)
	}
}

// TestWithoutOpenAPI: the built-in kinds are known in any case, and others are
// unknown, without an error.
func TestWithoutOpenAPI(t *testing.T) {
	t.Parallel()
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*describing{
		"it must not be read":       {index: http.StatusForbidden},
		"an old server has none":    {index: http.StatusNotFound},
		"its server is down":        {index: http.StatusServiceUnavailable},
		"garbage":                   {body: "<html>"},
		"a document that is huge":   {body: `{"x":"` + strings.Repeat("x", 20<<20) + `"}`},
		"a document without a kind": {body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.t = t
			schemas := kube.NewSchemas(builtin, connectTo(t, d.serve()), &kube.Documents{})
			for range 3 {
				if typ := schemas.Kind(widgetKind()); typ.Known() {
					t.Errorf("a kind from nowhere: %+v", typ)
				}
				if typ := schemas.Kind(schema.GroupVersionKind{Version: "v1", Kind: "Service"}); !typ.Known() {
					t.Error("a built-in kind is not known")
				}
			}
			if n := d.asked("GET /openapi/v3"); n > 3 {
				t.Errorf("the index was read %d times", n)
			}
			if n := d.asked("GET /openapi/v3/apis/example.com/v1"); n > 1 {
				t.Errorf("the document was read %d times", n)
			}
		})
	}
}
