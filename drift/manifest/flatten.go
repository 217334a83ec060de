package manifest

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Objects are those that a decoded value stands for: itself, or the items of
// a list.
func Objects(value any) ([]*unstructured.Unstructured, error) { return flatten(value, "") }

// unlike marks an error about a value that does not claim to be an object:
// it names no kind.
type unlike struct{ error }

func (u unlike) Unwrap() error { return u.error }

func flatten(value any, kind string) ([]*unstructured.Unstructured, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, unlike{errors.New("not an object: want apiVersion, kind and metadata")}
	}
	u := &unstructured.Unstructured{Object: m}
	if own := u.GetKind(); own != "" {
		kind = own
	}
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName()
	}
	items, isList := m["items"].([]any)
	if strings.HasSuffix(kind, "List") && (isList || m["items"] == nil && name == "") {
		return flattenList(items, strings.TrimSuffix(kind, "List"), u.GetAPIVersion())
	}
	if kind == "" || u.GetAPIVersion() == "" || name == "" {
		err := fmt.Errorf("%q has no apiVersion, kind or metadata.name", strings.TrimSpace(kind+" "+name))
		if kind == "" {
			return nil, unlike{err}
		}
		return nil, err
	}
	u.SetKind(kind)
	return []*unstructured.Unstructured{u}, nil
}

// flattenList gives the items of a typed list its kind, which they leave out.
func flattenList(items []any, kind, version string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	var failures []error
	for i, value := range items {
		if m, ok := value.(map[string]any); ok && kind != "" && m["apiVersion"] == nil {
			m["apiVersion"] = version
		}
		found, err := flatten(value, kind)
		if err != nil {
			// The list does claim to hold objects.
			failures = append(failures, fmt.Errorf("items[%d]: %s", i, err.Error()))
		}
		objects = append(objects, found...)
		if len(failures) == maxFailures {
			failures = append(failures, errors.New("and maybe more"))
			break
		}
	}
	return objects, errors.Join(failures...)
}
