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
	want, _ := known(desired, liveType).(map[string]any)
	have, _ := known(live, desiredType).(map[string]any)
	return want, have
}

func known(v any, t *schema.Type) any {
	if !t.Known() {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if child := t.Field(name); child != nil {
				out[name] = known(value, child)
			} else if t.Open {
				out[name] = value
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = known(value, t.Item())
		}
		return out
	}
	return v
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
