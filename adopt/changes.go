package adopt

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// changes are what fields mean for an object in Git. Differences within a list
// whose items have places, not names, are one change of the list.
func (p *planner) changes(t *target, fields []drift.Field) (out []*want, refused []Refused) {
	have := p.expected[t.source][t.own]
	u := &unstructured.Unstructured{Object: have}
	lists := map[string]*want{}
	for _, f := range fields {
		path, err := object.ParsePath(f.Path)
		if err != nil || len(path) == 0 {
			refused = append(refused, Refused{t.key, f.Path, "its path cannot be read"})
			continue
		}
		i := slices.IndexFunc(path, func(s object.Step) bool { return s.Index != nil })
		if i < 0 {
			c := value.Change{Path: path, Remove: f.Live == nil}
			if !c.Remove {
				c.Value = value.Normal(drift.Plain(p.in.Schemas, u, path, f.Live))
			}
			out = append(out, &want{Change: c, fields: []drift.Field{f}})
			continue
		}
		at := path[:i]
		w := lists[at.String()]
		if w == nil {
			w = &want{Change: value.Change{Path: at}}
			lists[at.String()] = w
			out = append(out, w)
		}
		w.fields = append(w.fields, f)
	}
	for _, w := range lists {
		list, ok := listAfter(have, w)
		if !ok {
			for _, f := range w.fields {
				refused = append(refused, Refused{t.key, f.Path, "the list in Git is another one than was compared"})
			}
			out = slices.DeleteFunc(out, func(o *want) bool { return o == w })
			continue
		}
		w.Value, w.Remove = list, len(list) == 0
	}
	return out, refused
}

// listAfter is a list with the differences that were found in it.
func listAfter(have map[string]any, w *want) ([]any, bool) {
	v, _, err := value.Get(have, w.Path)
	if err != nil {
		return nil, false
	}
	list, _ := value.Normal(v).([]any)
	var gone []int
	var added []any
	for _, f := range w.fields {
		path, err := object.ParsePath(f.Path)
		if err != nil {
			return nil, false
		}
		inner, i := path[len(w.Path)+1:], *path[len(w.Path)].Index
		switch {
		case len(inner) == 0 && f.Live == nil:
			if i >= len(list) || !reflect.DeepEqual(list[i], value.Normal(f.Desired)) {
				return nil, false
			}
			gone = append(gone, i)
		case len(inner) == 0 && f.Desired == nil:
			added = append(added, value.Normal(f.Live))
		default:
			if i >= len(list) {
				return nil, false
			}
			next, err := value.With(list[i], value.Change{Path: inner, Value: f.Live, Remove: f.Live == nil})
			if err != nil {
				return nil, false
			}
			list[i] = next
		}
	}
	slices.Sort(gone)
	for _, i := range slices.Backward(gone) {
		list = slices.Delete(list, i, i+1)
	}
	return append(list, added...), true
}
