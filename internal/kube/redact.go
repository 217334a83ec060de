package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/redact"
)

// withoutValues takes the values of a Secret out of an error: an API server
// quotes those that have the wrong type.
func withoutValues(u *unstructured.Unstructured, err error) error {
	if gvk := u.GroupVersionKind(); err == nil || gvk.Group != "" || gvk.Kind != "Secret" {
		return err
	}
	var values []string
	for _, field := range []string{"data", "stringData"} {
		entries, _ := u.Object[field].(map[string]any)
		for _, v := range entries {
			values = append(values, fmt.Sprint(v))
		}
	}
	return redact.Values(values).Err(err)
}
