package drift_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

func TestPlainLeavesDefaultsOut(t *testing.T) {
	t.Parallel()
	schemas, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	deployment := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}}
	path, err := object.ParsePath("spec.template.spec.containers[name=side]")
	if err != nil {
		t.Fatal(err)
	}
	live := map[string]any{
		"name": "side", "image": "example.com/side:1", "imagePullPolicy": "IfNotPresent",
		"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": map[string]any{}, "emptyDir": map[string]any{},
		"ports":         []any{map[string]any{"containerPort": int64(80), "protocol": "TCP"}},
		"livenessProbe": map[string]any{"httpGet": map[string]any{"path": "/", "port": int64(80), "scheme": "HTTP"}, "periodSeconds": int64(10), "timeoutSeconds": int64(7)},
	}
	want := map[string]any{
		"name": "side", "image": "example.com/side:1", "emptyDir": map[string]any{}, "ports": []any{map[string]any{"containerPort": int64(80)}},
		"livenessProbe": map[string]any{"httpGet": map[string]any{"port": int64(80)}, "timeoutSeconds": int64(7)},
	}
	if diff := cmp.Diff(want, drift.Plain(schemas, deployment, path, live)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
