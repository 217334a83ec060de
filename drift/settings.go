package drift

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

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
	rules       []rule
	defaults    map[string][]any
	autoscaled  []autoscaling
	mask        mask.Masker
}

func newSettings(in Input) *settings {
	s := &settings{
		schemas:     layers{definitions(in), in.Schemas},
		manager:     in.Manager,
		controllers: append(ownership.KnownControllers(), in.Controllers...),
		rules:       allRules(),
		defaults:    schema.ServerDefaults(),
		autoscaled:  append(autoscalers(in.Desired), autoscalers(in.Live)...),
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

// autoscaling is the range in which an autoscaler moves a workload's replicas.
type autoscaling struct {
	target   object.Key
	min, max float64
}

// autoscalers reads HorizontalPodAutoscalers and KEDA's ScaledObjects.
func autoscalers(objects []*unstructured.Unstructured) []autoscaling {
	var out []autoscaling
	for _, u := range objects {
		if u == nil || u.Object == nil {
			continue
		}
		spec, _ := u.Object["spec"].(map[string]any)
		ref, _ := spec["scaleTargetRef"].(map[string]any)
		name, _ := ref["name"].(string)
		version, _ := ref["apiVersion"].(string)
		kind, _ := ref["kind"].(string)
		a := autoscaling{min: 1, max: 100}
		low, high := "minReplicas", "maxReplicas"
		switch object.KeyOf(u).GroupKind() {
		case runtimeschema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:
		case runtimeschema.GroupKind{Group: "keda.sh", Kind: "ScaledObject"}:
			a.min, low, high = 0, "minReplicaCount", "maxReplicaCount"
			if kind == "" {
				version, kind = "apps/v1", "Deployment"
			}
		default:
			continue
		}
		if n, ok := schema.ParseNumber(spec[low]); ok {
			a.min = n
		}
		if n, ok := schema.ParseNumber(spec[high]); ok {
			a.max = n
		}
		group := runtimeschema.FromAPIVersionAndKind(version, kind).Group
		a.target = object.Key{Group: group, Kind: kind, Namespace: u.GetNamespace(), Name: name}
		out = append(out, a)
	}
	return out
}

// autoscaling finds the range of a workload; what Git says comes first.
func (s *settings) autoscaling(key object.Key) (autoscaling, bool) {
	for _, a := range s.autoscaled {
		t := a.target
		if t.Name == key.Name && t.Kind == key.Kind && t.Group == key.Group &&
			(t.Namespace == key.Namespace || t.Namespace == "" || key.Namespace == "") {
			return a, true
		}
	}
	return autoscaling{}, false
}
