package kube_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/live"
)

// rehearsing answers as describing does, and writes down what would change
// something.
type rehearsing struct {
	describing
	status map[string]any // of a refusal
	cut    bool           // the connection ends without an answer

	writes sync.Mutex
	sent   []string
}

func (r *rehearsing) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if in.Method != http.MethodPatch && in.Method != http.MethodDelete {
		switch in.URL.Path {
		case "/version":
			_, _ = w.Write([]byte(`{"gitVersion":"v1.37.2"}`))
		case "/openapi/v3/apis/example.com/v1": // without a hash: it is read once
			_, _ = w.Write([]byte(r.body))
		default:
			r.describing.ServeHTTP(w, in)
		}
		return
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.writes.Lock()
	defer r.writes.Unlock()
	r.sent = append(r.sent, in.Method+" "+in.URL.RequestURI()+" "+string(body))
	switch {
	case r.cut:
		panic(http.ErrAbortHandler)
	case r.status != nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		if err := json.NewEncoder(w).Encode(r.status); err != nil {
			r.t.Error(err)
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(theWidget()); err != nil {
			r.t.Error(err)
		}
	}
}

func (r *rehearsing) rehearsal() (*kube.Rehearsal, *[]string) {
	r.t.Helper()
	r.reads = map[string]int{}
	server := httptest.NewServer(r)
	r.t.Cleanup(server.Close)
	var results []string
	cluster := connectTo(r.t, &rest.Config{Host: server.URL})
	return kube.NewRehearsal(cluster, (*driftschema.Set)(nil).With(), func(result string) { results = append(results, result) }), &results
}

const knowing = `{"openapi":"3.0.0","paths":{"/apis/example.com/v1/widgets":{"patch":{"parameters":[{"name":"dryRun","in":"query"}]}}}}`

// TestRehearsals: what could do something all the same is not asked, and what
// is asked is a dry run.
func TestRehearsals(t *testing.T) {
	t.Parallel()
	type outcome struct{ Apply, Delete string }
	for _, tc := range []struct {
		reason string
		hooks  any
		body   string
		want   outcome
	}{
		{"nothing can happen", []any{}, knowing, outcome{kube.TriedOK, kube.TriedOK}},
		{"webhooks say so", []any{webhook("None", "widgets", "*"), webhook("NoneOnDryRun", "*", "*")}, knowing, outcome{kube.TriedOK, kube.TriedOK}},
		{"a webhook may do something when objects come or change", []any{webhook("Some", "widgets", "CREATE")}, knowing, outcome{kube.TriedUnsafe, kube.TriedOK}},
		{"a webhook may do something when they go", []any{webhook("Unknown", "widgets", "DELETE")}, knowing, outcome{kube.TriedOK, kube.TriedUnsafe}},
		{"a webhook may always do something", []any{webhook("", "*/*", "*")}, knowing, outcome{kube.TriedUnsafe, kube.TriedUnsafe}},
		{"webhooks must not be read", nil, knowing, outcome{kube.TriedUnsafe, kube.TriedUnsafe}},
		{"the server does not know dry runs", []any{}, widgets("set"), outcome{kube.TriedUnsafe, kube.TriedUnsafe}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			r := &rehearsing{describing: describing{t: t, body: tc.body, hooks: tc.hooks}}
			rehearsal, results := r.rehearsal()
			_, errApply := rehearsal.Apply(t.Context(), theWidget())
			_, errDelete := rehearsal.Delete(t.Context(), widgetKind(), object.KeyOf(theWidget()), "u1")
			if diff := cmp.Diff(tc.want, outcome{(*results)[0], (*results)[1]}); diff != "" {
				t.Fatalf("%s\n%v\n%v", diff, errApply, errDelete)
			}
			asked := 0
			for i, err := range []error{errApply, errDelete} {
				var unsafe *live.Unsafe
				if (*results)[i] == kube.TriedOK {
					asked++
				} else if !errors.As(err, &unsafe) {
					t.Errorf("it is not told as unsafe: %v", err)
				}
			}
			if len(r.sent) != asked {
				t.Errorf("%d requests were made: %v", len(r.sent), r.sent)
			}
			for _, request := range r.sent {
				patch := strings.HasPrefix(request, "PATCH ") && strings.Contains(request, "dryRun=All&fieldManager=trueup&force=true")
				remove := strings.HasPrefix(request, "DELETE ") && strings.Contains(request, `"dryRun":["All"]`) && strings.Contains(request, `"uid":"u1"`)
				if !patch && !remove {
					t.Errorf("it was no dry run: %s", request)
				}
			}
		})
	}
}

// TestRehearsalsTellRefusals: what a server refuses is its answer, and that it
// is silent is an error.
func TestRehearsalsTellRefusals(t *testing.T) {
	t.Parallel()
	r := &rehearsing{describing: describing{t: t, body: knowing, hooks: []any{}}}
	r.status = map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422, "message": "spec.size is immutable"}
	rehearsal, _ := r.rehearsal()
	answer, err := rehearsal.Apply(t.Context(), theWidget())
	if err != nil || answer.Refused == nil || answer.Refused.Message != "spec.size is immutable" || answer.Stored != nil {
		t.Errorf("%+v, %v", answer, err)
	}
	r.writes.Lock()
	r.cut = true
	r.writes.Unlock()
	if answer, err = rehearsal.Apply(t.Context(), theWidget()); err == nil || answer.Refused != nil || fault.Of(err) != fault.Transient {
		t.Errorf("%+v, %v", answer, err)
	}
	unheard := theWidget()
	unheard.SetKind("Unheard")
	if _, err = rehearsal.Apply(t.Context(), unheard); fault.Of(err) != fault.Missing {
		t.Errorf("a kind that is not served: %v", err)
	}
}

// TestLiveNeedsAnAnswer: a cluster that is silent is told before anything is
// asked of it.
func TestLiveNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	r := &rehearsing{describing: describing{t: t, body: knowing, hooks: []any{}, reads: map[string]int{}}}
	server := httptest.NewServer(r)
	cluster := connectTo(t, &rest.Config{Host: server.URL, Timeout: time.Second})
	rehearsal := kube.NewRehearsal(cluster, (*driftschema.Set)(nil).With(), nil)
	ports, err := kube.Live(t.Context(), cluster, nil, rehearsal)
	if err != nil || ports.Trials == nil || ports.Objects == nil {
		t.Fatalf("%+v, %v", ports, err)
	}
	server.Close()
	if _, err := kube.Live(t.Context(), cluster, nil, rehearsal); err == nil || !strings.Contains(err.Error(), "ask cluster test for its version") {
		t.Errorf("a silent cluster: %v", err)
	}
}
