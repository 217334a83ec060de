package risk

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trueup-dev/trueup/preview/risk/decoded"
)

// capacity are the rules about how much of something there is.
func capacity() []Rule {
	return []Rule{
		{
			Name: "storage-shrunk", Severity: Critical, About: "A claim asks for less storage than before, which the API server refuses.",
			Kinds: []string{"/PersistentVolumeClaim", "apps/StatefulSet"}, Find: shrunkStorage,
		},
		{
			Name: "autoscaling-lowered", Severity: Warning, About: "An autoscaler may run fewer replicas than before, at least or at most.",
			Kinds: []string{"autoscaling/HorizontalPodAutoscaler", "keda.sh/ScaledObject", "keda.sh/ScaledJob"}, Find: loweredBounds,
		},
		{Name: "resources-reduced", Severity: Warning, About: "A container gets less memory or processor time, or a request or limit goes away.", Find: reducedResources},
	}
}

// shrunkStorage looks at objects that keep their names: under another one, a
// claim is a new one.
func shrunkStorage(c Change) []string {
	if c.Before == nil || c.After == nil || c.Deleted {
		return nil
	}
	after := claims(c.After)
	var out []string
	for name, was := range claims(c.Before) {
		now, ok := after[name]
		if ok && now.Cmp(was) < 0 {
			out = append(out, fmt.Sprintf("%sstorage %s -> %s, which the API server refuses", name, was.String(), now.String()))
		}
	}
	slices.Sort(out)
	return out
}

// claims is the storage that a claim asks for, or each template of one.
func claims(manifest map[string]any) map[string]resource.Quantity {
	out := map[string]resource.Quantity{}
	add := func(name string, claim map[string]any) {
		if q, ok := quantity(decoded.Map(claim, "spec", "resources", "requests")["storage"]); ok {
			out[name] = q
		}
	}
	add("", manifest)
	for _, item := range decoded.List(manifest, "spec", "volumeClaimTemplates") {
		claim, _ := item.(map[string]any)
		add(fmt.Sprint(decoded.Map(claim, "metadata")["name"])+": ", claim)
	}
	return out
}

func loweredBounds(c Change) []string {
	if c.Before == nil || c.After == nil {
		return nil
	}
	bounds := []struct {
		field    string
		fallback int64
	}{{"minReplicas", 1}, {"maxReplicas", 0}}
	if c.Key.Group == "keda.sh" {
		bounds[0].field, bounds[0].fallback = "minReplicaCount", 0
		bounds[1].field, bounds[1].fallback = "maxReplicaCount", 100
	}
	var out []string
	for _, bound := range bounds {
		of := func(manifest map[string]any) int64 {
			if n, ok := decoded.Number(decoded.Map(manifest, "spec")[bound.field]); ok {
				return n
			}
			return bound.fallback
		}
		if was, now := of(c.Before), of(c.After); now < was {
			out = append(out, fmt.Sprintf("%s %d -> %d", bound.field, was, now))
		}
	}
	return out
}

// reducedResources compares what holds in the end: a container that requests
// nothing requests its limit, and what the pod has holds for its containers.
func reducedResources(c Change) []string {
	both, pod := pairs(c), podSpec(c.After)
	if spec := podSpec(c.Before); spec != nil && pod != nil {
		both["the pod"] = pair{was: spec, now: pod}
	}
	var out []string
	for name, p := range both {
		was, now := p.was, p.now
		for _, side := range []string{"requests", "limits"} {
			told := decoded.Map(now, "resources", side)
			for _, what := range slices.Sorted(maps.Keys(all(was, side))) {
				value, there := all(now, side)[what]
				old, okOld := quantity(all(was, side)[what])
				next, okNew := quantity(value)
				_, explicit := decoded.Map(was, "resources", side)[what]
				_, still := told[what]
				_, byPod := all(pod, side)[what]
				switch {
				case !explicit && !still: // the limit is told
				case !there && !byPod:
					out = append(out, fmt.Sprintf("%s has no %s of %s any more", name, side[:len(side)-1], what))
				case okOld && okNew && next.Cmp(old) < 0:
					out = append(out, fmt.Sprintf("%s: %s of %s %s -> %s", name, side, what, old.String(), next.String()))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// all are the requests or limits of something, requests with those that the
// API server takes from limits.
func all(of map[string]any, side string) map[string]any {
	out := map[string]any{}
	if side == "requests" {
		maps.Copy(out, decoded.Map(of, "resources", "limits"))
	}
	maps.Copy(out, decoded.Map(of, "resources", side))
	return out
}

func quantity(v any) (resource.Quantity, bool) {
	if v == nil {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(fmt.Sprint(v))
	return q, err == nil
}
