package drift

import (
	"slices"

	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/mask"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// settings is what the comparisons of one call share.
type settings struct {
	schemas     Schemas
	manager     string
	controllers []string
	rules       []known.Rule
	defaults    map[string][]schema.Default
	world       *known.World
	user        *ignore.Set
	mask        mask.Masker
	// manifests: both sides are what Git said, and nobody owns anything.
	manifests bool
}

func newSettings(in Input) *settings {
	s := &settings{
		schemas:     layers{definitions(in), in.Schemas},
		manager:     in.Manager,
		controllers: append(ownership.KnownControllers(), in.Controllers...),
		rules:       known.Rules(),
		defaults:    schema.ServerDefaults(),
		world:       known.NewWorld(in.Live, in.Around),
		user:        in.Rules,
		mask:        mask.Masker{Key: in.MaskKey},
	}
	if s.manager == "" {
		s.manager = object.FieldManager
	}
	return s
}

// layers looks at the CRDs beside the compared objects first: they are closer
// to the objects than what the caller knows.
type layers struct {
	crds *schema.Set
	rest Schemas
}

func (l layers) Kind(gvk runtimeschema.GroupVersionKind) *schema.Type {
	if t := l.crds.Kind(gvk); t != nil || l.rest == nil {
		return t
	}
	return l.rest.Kind(gvk)
}

func (l layers) Native(gk runtimeschema.GroupKind) bool {
	return l.rest != nil && l.rest.Native(gk)
}

// definitions reads the CRDs among the objects. One that is broken is
// compared like any other object, and defines nothing.
func definitions(in Input) *schema.Set {
	var sets []*schema.Set
	for _, u := range slices.Concat(in.Desired, in.Live) {
		if u == nil || u.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if set, err := schema.FromCRD(u); err == nil {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 {
		return nil
	}
	return (*schema.Set)(nil).With(sets...)
}
