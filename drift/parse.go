package drift

import (
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/manifest"
)

// Parse reads objects from YAML documents or JSON, flattening lists; name
// stands for the input in errors.
func Parse(r io.Reader, name string) ([]*unstructured.Unstructured, error) {
	return manifest.Parse(r, name)
}
