package known

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// limitDefault explains what the API type fills in beside the bounds of a
// LimitRange. Who wrote the list owns that as well, so that only the values
// tell it from what somebody set.
func limitDefault(c *Case) bool {
	item := c.limit()
	if !Empty(c.Desired) || item["type"] != "Container" {
		return false
	}
	last := c.Path()[len(c.Path())-1].Field
	if all, ok := c.Live.(map[string]any); ok {
		for name, value := range all {
			if !follows(item, last, name, value) {
				return false
			}
		}
		return true
	}
	const within = 3 // spec limits [i] default
	return follows(item, c.Path()[within].Field, last, c.Live)
}

// limit is the live item around a difference at spec.limits[i].
func (c *Case) limit() map[string]any {
	const at = 2
	path := c.Path()
	limits, _, _ := unstructured.NestedFieldNoCopy(c.Cluster, "spec", "limits")
	list, _ := limits.([]any)
	if len(path) <= at || path[at].Index == nil || *path[at].Index >= len(list) {
		return nil
	}
	item, _ := list[*path[at].Index].(map[string]any)
	return item
}

// follows reports the value that default or defaultRequest gets for a
// resource: the most that is allowed; the default, else the least.
func follows(item map[string]any, field, resource string, value any) bool {
	of := func(name string) any {
		m, _ := item[name].(map[string]any)
		return m[resource]
	}
	want := of("max")
	if field == "defaultRequest" {
		if want = of("default"); want == nil {
			want = of("min")
		}
	}
	a, ok := quantity(value)
	b, bounded := quantity(want)
	return ok && bounded && a.Cmp(b) == 0
}
