package kustomize

import (
	"sync"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// schemas guards the OpenAPI schema that kustomize keeps in the process. A
// build with the built-in schema shares it with others; one with a schema of
// its own is alone with it, and puts the built-in one back.
//
// kustomize itself never takes a schema out again: without this, one
// application's openapi field would decide how another one's patches merge.
type schemas struct {
	sync.RWMutex
	once    sync.Once
	builtin spec.Definitions
}

var schema schemas //nolint:gochecknoglobals // it guards what a dependency keeps in the process, whoever makes engines

// during runs a build. custom says that it may set a schema.
func (s *schemas) during(custom bool, build func() error) error {
	// Parsing takes 70 ms. All that comes after only reads.
	s.once.Do(func() { s.builtin = openapi.Schema().Definitions })
	if !custom {
		s.RLock()
		defer s.RUnlock()
		return build()
	}
	s.Lock()
	defer s.Unlock()
	openapi.ResetOpenAPI()
	defer s.restore()
	return build()
}

// restore makes the built-in schema the one of the process, from what was
// parsed once. Which kinds live in namespaces is compiled in for it.
func (s *schemas) restore() {
	openapi.ResetOpenAPI()
	openapi.SuppressBuiltInSchemaUse()
	_ = openapi.Schema() // settles that there is nothing left to parse
	openapi.AddDefinitions(s.builtin)
}
