package kube

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
)

func TestErrorsAboutSecretsDoNotQuoteThem(t *testing.T) {
	t.Parallel()
	// What an API server says of a number where text belongs.
	said := fault.New(fault.Invalid, ".stringData.pin: expected string, got &value.valueUnstructured{Value:483920}")
	object := func(kind string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": kind, "stringData": map[string]any{"pin": int64(483920)}, "data": map[string]any{},
		}}
	}
	err := withoutValues(object("Secret"), said)
	if strings.Contains(err.Error(), "483920") || !strings.Contains(err.Error(), ".stringData.pin: expected string") || fault.Of(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
	if err := withoutValues(object("ConfigMap"), said); !strings.Contains(err.Error(), "483920") {
		t.Errorf("other kinds are told as they are: %v", err)
	}
	if err := withoutValues(object("Secret"), nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}
