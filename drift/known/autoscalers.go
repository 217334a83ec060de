package known

import (
	"encoding/json"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// World is what else is live: the autoscalers.
type World struct {
	horizontal []horizontal
	vertical   []vertical
}

// horizontal is the range in which an autoscaler moves a workload's replicas.
type horizontal struct {
	target   object.Key
	min, max float64
	// scaled is the number that its status says it scaled to; nil is none.
	scaled *float64
}

// vertical is what a VerticalPodAutoscaler allows for a workload.
type vertical struct {
	target   object.Key
	policies []any
}

// Scalers lists the kinds that a World is made of. The versions are those to
// ask a cluster for.
func Scalers() []runtimeschema.GroupVersionKind {
	return []runtimeschema.GroupVersionKind{
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
		{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"},
		{Group: "autoscaling.k8s.io", Version: "v1", Kind: "VerticalPodAutoscaler"},
	}
}

// IsScaler reports a kind of Scalers.
func IsScaler(gk runtimeschema.GroupKind) bool {
	for _, gvk := range Scalers() {
		if gvk.GroupKind() == gk {
			return true
		}
	}
	return false
}

// Scalable reports a path that autoscalers write to.
func Scalable(path string) bool {
	return path == "spec.replicas" || strings.HasPrefix(path, "spec.template.spec.containers[") && strings.Contains(path, "].resources")
}

// MayScale reports a difference that may be an autoscaler's work, going by
// where it is and by who made it.
func MayScale(path, manager string) bool {
	if path == "spec.replicas" {
		return manager == "" || ownership.Names(scaling(), manager)
	}
	return Scalable(path) && ownership.Names(resizing(), manager)
}

func scaling() []string {
	return []string{"kube-controller-manager", "horizontal-pod-autoscaler*", "keda-*"}
}

func resizing() []string { return []string{"vpa-*"} }

// NewWorld reads the autoscalers among live objects.
func NewWorld(live ...[]*unstructured.Unstructured) *World {
	w := &World{}
	for _, list := range live {
		for _, u := range list {
			if u != nil && u.Object != nil {
				w.add(u)
			}
		}
	}
	return w
}

func (w *World) add(u *unstructured.Unstructured) {
	kind := u.GetKind()
	if kind != "HorizontalPodAutoscaler" && kind != "ScaledObject" && kind != "VerticalPodAutoscaler" {
		return
	}
	spec, _ := u.Object["spec"].(map[string]any)
	switch object.KeyOf(u).GroupKind() {
	case runtimeschema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:
		low, high := number(spec["minReplicas"], 1), number(spec["maxReplicas"], 1)
		w.horizontal = append(w.horizontal, horizontal{target(u, spec["scaleTargetRef"]), low, high, scaledTo(u)})
	case runtimeschema.GroupKind{Group: "keda.sh", Kind: "ScaledObject"}:
		low, high := number(spec["minReplicaCount"], 0), number(spec["maxReplicaCount"], 100)
		if idle, ok := schema.ParseNumber(spec["idleReplicaCount"]); ok {
			low = min(low, idle)
		}
		h := horizontal{target: target(u, spec["scaleTargetRef"]), min: low, max: high}
		if idles(u) {
			h.scaled = &low // more than that is its HorizontalPodAutoscaler's work
		}
		w.horizontal = append(w.horizontal, h)
	case runtimeschema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}:
		policies, _, _ := unstructured.NestedFieldNoCopy(spec, "resourcePolicy", "containerPolicies")
		list, _ := policies.([]any)
		w.vertical = append(w.vertical, vertical{target(u, spec["targetRef"]), list})
	}
}

// scaledTo is what a HorizontalPodAutoscaler wants, where it ever scaled.
func scaledTo(u *unstructured.Unstructured) *float64 {
	status, _ := u.Object["status"].(map[string]any)
	if last, _ := status["lastScaleTime"].(string); last == "" {
		return nil
	}
	n, ok := schema.ParseNumber(status["desiredReplicas"])
	if !ok {
		return nil
	}
	return &n
}

// idles reports a ScaledObject that says there is nothing to do.
func idles(u *unstructured.Unstructured) bool {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, item := range list {
		if c, ok := item.(map[string]any); ok && c["type"] == "Active" {
			return c["status"] == "False"
		}
	}
	return false
}

func number(v any, otherwise float64) float64 {
	if n, ok := schema.ParseNumber(v); ok {
		return n
	}
	return otherwise
}

// target is the workload that a reference names; KEDA's may leave out the kind.
func target(u *unstructured.Unstructured, reference any) object.Key {
	ref, _ := reference.(map[string]any)
	name, _ := ref["name"].(string)
	version, _ := ref["apiVersion"].(string)
	kind, _ := ref["kind"].(string)
	if kind == "" {
		version, kind = "apps/v1", "Deployment"
	}
	group := runtimeschema.FromAPIVersionAndKind(version, kind).Group
	return object.Key{Group: group, Kind: kind, Namespace: u.GetNamespace(), Name: name}
}

// targets compares keys where a file may leave out the namespace.
func targets(t, key object.Key) bool {
	return t.Name == key.Name && t.Kind == key.Kind && t.Group == key.Group &&
		(t.Namespace == key.Namespace || t.Namespace == "" || key.Namespace == "")
}

// autoscaled explains replicas that an autoscaler sets: inside its range, and
// not written by anybody else. Scaling to 0 leaves no owner, and so does a hand
// that scales, until the autoscaler acts again: without an owner, the
// autoscaler's status must say that it scaled to this very number.
func autoscaled(c *Case) bool {
	n, ok := schema.ParseNumber(c.Live)
	if !ok {
		return false
	}
	for _, h := range c.World.horizontal {
		if targets(h.target, c.Key) && n >= h.min && n <= h.max {
			if c.By() != nil {
				return c.by(scaling()...)
			}
			if h.scaled != nil && *h.scaled == n {
				return true // else another one may have: KEDA has one beside its own
			}
		}
	}
	return false
}

// resized explains container resources that a VerticalPodAutoscaler wrote,
// inside what it allows.
func resized(c *Case) bool {
	if c.Live == nil || len(c.World.vertical) == 0 || !c.by(resizing()...) {
		return false
	}
	for _, v := range c.World.vertical {
		if targets(v.target, c.Key) && v.allows(c) {
			return true
		}
	}
	return false
}

func (v vertical) allows(c *Case) bool {
	path := c.Path()
	const container, resources = 4, 5 // spec template spec containers [name=x] resources
	if len(path) <= resources || len(path[container].Keys) == 0 {
		return false
	}
	name := path[container].Keys[0].Value
	for _, p := range v.policies {
		policy, _ := p.(map[string]any)
		if policy["containerName"] != name && policy["containerName"] != "*" {
			continue
		}
		if policy["mode"] == "Off" {
			return false
		}
		low, _ := policy["minAllowed"].(map[string]any)
		high, _ := policy["maxAllowed"].(map[string]any)
		return inside(c.Name, c.Live, low, high)
	}
	return true
}

// inside reports whether each quantity lies between its bounds, as far as
// there are any.
func inside(name string, v any, low, high map[string]any) bool {
	if m, ok := v.(map[string]any); ok {
		for key, value := range m {
			if !inside(key, value, low, high) {
				return false
			}
		}
		return true
	}
	q, ok := quantity(v)
	if !ok {
		return false
	}
	if least, bounded := quantity(low[name]); bounded && q.Cmp(least) < 0 {
		return false
	}
	most, bounded := quantity(high[name])
	return !bounded || q.Cmp(most) <= 0
}

func quantity(v any) (resource.Quantity, bool) {
	n, isNumber := schema.ParseNumber(v)
	s, isString := v.(string)
	switch {
	case isString:
		q, err := resource.ParseQuantity(s)
		return q, err == nil
	case isNumber:
		return *resource.NewMilliQuantity(int64(n*1000), resource.DecimalSI), true
	}
	return resource.Quantity{}, false
}

// Measure is what a metric of an autoscaler is about, without its target.
func Measure(metric any) string {
	m, _ := metric.(map[string]any)
	of := map[string]any{}
	for name, value := range m {
		source, ok := value.(map[string]any)
		if !ok {
			of[name] = value
			continue
		}
		rest := maps.Clone(source)
		for _, target := range []string{"target", "targetAverageUtilization", "targetAverageValue", "targetValue"} {
			delete(rest, target)
		}
		of[name] = rest
	}
	text, err := json.Marshal(of)
	if err != nil {
		return ""
	}
	return string(text)
}
