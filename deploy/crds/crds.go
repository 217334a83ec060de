package crds

import (
	"bytes"
	"embed"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift/manifest"
)

// FS holds one YAML file per CustomResourceDefinition.
//
//go:embed *.yaml
var FS embed.FS

// Objects are the definitions, ready to be applied.
func Objects() ([]*unstructured.Unstructured, error) {
	entries, err := FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	var failures []error
	for _, e := range entries {
		data, err := FS.ReadFile(e.Name())
		if err != nil {
			failures = append(failures, err)
			continue
		}
		objects, err := manifest.Parse(bytes.NewReader(data), e.Name())
		out, failures = append(out, objects...), append(failures, err)
	}
	return out, errors.Join(failures...)
}
