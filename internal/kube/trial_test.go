package kube_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/kube"
)

func webhook(sideEffects, resource string, operations ...any) any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": "x"},
		"webhooks": []any{map[string]any{
			"name": "hook.example.com", "sideEffects": sideEffects,
			"rules": []any{map[string]any{"apiGroups": []any{"example.com"}, "apiVersions": []any{"v9"}, "resources": []any{resource}, "operations": operations}},
		}},
	}
}

// TestTrialsAskOnlyWhereNothingCanHappen: a dry run is safe where every
// webhook that may see it says so, and nowhere else.
func TestTrialsAskOnlyWhereNothingCanHappen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		hooks  any
		result string
		fault  fault.Kind
		says   string
	}{
		{"there are none", []any{}, kube.TriedOK, "", ""},
		{"they say so", []any{webhook("None", "widgets", "*"), webhook("NoneOnDryRun", "*", "UPDATE")}, kube.TriedOK, "", ""},
		{"others are of no matter", []any{webhook("Unknown", "gadgets", "*"), webhook("Some", "widgets/status", "*"), webhook("Some", "widgets", "DELETE")}, kube.TriedOK, "", ""},
		{"one may have some", []any{webhook("Unknown", "widgets", "UPDATE")}, kube.TriedUnsafe, fault.Denied, "hook.example.com may have side effects"},
		{"one of everything may", []any{webhook("Some", "*/*", "*")}, kube.TriedUnsafe, fault.Denied, "hook.example.com"},
		{"one does not say", []any{webhook("", "*", "CREATE", "UPDATE")}, kube.TriedUnsafe, fault.Denied, "hook.example.com"},
		{"they must not be read", nil, kube.TriedUnsafe, fault.Denied, "list mutatingwebhookconfigurations"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			d := &describing{t: t, body: widgets("set"), hooks: tc.hooks}
			var results []string
			trials := kube.NewTrials(connectTo(t, d.serve()), func(result string) { results = append(results, result) })
			stored, err := trials.Try(t.Context(), theWidget())
			if diff := cmp.Diff([]string{tc.result}, results); diff != "" || fault.Of(err) != tc.fault || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%v, %v", results, err)
			}
			if tc.fault != "" {
				if len(d.patches) > 0 {
					t.Errorf("it was asked all the same: %v", d.patches)
				}
				return
			}
			if size, _, _ := unstructured.NestedInt64(stored.Object, "spec", "size"); size != 9 {
				t.Errorf("the answer is %v", stored.Object)
			}
			if len(d.patches) != 1 || !strings.Contains(d.patches[0], "dryRun=All") || !strings.Contains(d.patches[0], "fieldManager=trueup") || !strings.Contains(d.patches[0], "force=true") {
				t.Errorf("it was asked as %v", d.patches)
			}
		})
	}
}

// TestTrialsArePaced: a cluster is not asked about everything at once, and
// what had to wait may be asked later.
func TestTrialsArePaced(t *testing.T) {
	t.Parallel()
	d := &describing{t: t, body: widgets("set"), hooks: []any{}}
	results := map[string]int{}
	trials := kube.NewTrials(connectTo(t, d.serve()), func(result string) { results[result]++ })
	for range 200 {
		if _, err := trials.Try(t.Context(), theWidget()); err != nil && !fault.Retryable(err) {
			t.Fatal(err)
		}
	}
	if results[kube.TriedOK] < 20 || results[kube.TriedLimited] == 0 || d.asked(http.MethodGet+" /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations") != 1 {
		t.Errorf("%v, %v", results, d.reads)
	}
}

func theWidget() *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"size": int64(1)}}}
	u.SetGroupVersionKind(widgetKind())
	u.SetNamespace("shop")
	u.SetName("w")
	return u
}
