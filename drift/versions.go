package drift

import "github.com/trueup-dev/trueup/drift/schema"

// align reduces two versions of one kind to what both have: the fields
// that both schemas know or, without schemas, that both objects have.
func align(desired, live map[string]any, desiredType, liveType *schema.Type) (map[string]any, map[string]any) {
	if desiredType == nil || liveType == nil {
		want, have := common(desired, live), common(live, desired)
		want["metadata"], have["metadata"] = desired["metadata"], live["metadata"]
		return want, have
	}
	if desiredType == liveType {
		return desired, live
	}
	want, _ := liveType.Prune(desired).(map[string]any)
	have, _ := desiredType.Prune(live).(map[string]any)
	return want, have
}

func common(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a))
	for name, value := range a {
		other, ok := b[name]
		if !ok {
			continue
		}
		m, isMap := value.(map[string]any)
		o, otherIsMap := other.(map[string]any)
		if isMap && otherIsMap {
			value = common(m, o)
		}
		out[name] = value
	}
	return out
}
