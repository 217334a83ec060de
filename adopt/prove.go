package adopt

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/trueup-dev/trueup/adopt/overlay"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/internal/object"
)

// prove renders with other files, and tells whether that adopts what is wanted
// and nothing else. Other differences that are to be adopted anyway may come
// along: they are done then.
func (p *planner) prove(ctx context.Context, t *target, wants []*want, next overlay.Files) (bool, string, error) {
	got := make([]map[object.Key]map[string]any, len(p.in.Sources))
	for i, req := range p.in.Sources {
		if onlyRef(req) {
			continue
		}
		if p.budget--; p.budget < 0 {
			return false, fmt.Sprintf("rendering was tried %d times", maxRenders), nil
		}
		result, err := p.in.Renderer.Render(ctx, p.over(i, next))
		if ctx.Err() != nil {
			return false, "", ctx.Err()
		}
		if err != nil {
			return false, fmt.Sprintf("it cannot be rendered then: %v", err), nil
		}
		got[i] = normal(result.Objects)
	}
	return p.settle(t, wants, got)
}

// settle compares objects with those that are expected.
func (p *planner) settle(t *target, wants []*want, got []map[object.Key]map[string]any) (bool, string, error) {
	expected := make([]map[object.Key]map[string]any, len(p.expected))
	for i := range p.expected {
		expected[i] = maps.Clone(p.expected[i])
	}
	if t.gone {
		delete(expected[t.source], t.own)
	}
	done := slices.Clone(wants)
	for _, w := range wants {
		if err := apply(expected[t.source], t.own, w); err != nil {
			return false, err.Error(), nil
		}
	}
	for _, other := range p.targets {
		for _, w := range other.wants {
			if !w.done && !slices.Contains(done, w) && came(got[other.source][other.own], w) && apply(expected[other.source], other.own, w) == nil {
				done = append(done, w)
			}
		}
	}
	for i := range expected {
		if reason := p.differ(expected[i], got[i]); reason != "" {
			return false, reason, nil
		}
	}
	for _, w := range done {
		w.done = true
	}
	p.expected = got
	return true, "", nil
}

func apply(objects map[object.Key]map[string]any, key object.Key, w *want) error {
	after, err := value.With(objects[key], w.Change)
	if err != nil {
		return fmt.Errorf("%s: %w", w.Path, err)
	}
	objects[key], _ = after.(map[string]any)
	return nil
}

// came reports that an object says what is wanted of it.
func came(o map[string]any, w *want) bool {
	if o == nil {
		return false
	}
	v, there, err := value.Get(o, w.Path)
	if w.Remove {
		return err == nil && !there
	}
	return err == nil && there && reflect.DeepEqual(v, value.Normal(w.Value))
}

// differ names the first place at which objects are not those expected.
func (p *planner) differ(want, got map[object.Key]map[string]any) string {
	keys := slices.SortedFunc(maps.Keys(want), object.Key.Compare)
	for _, key := range keys {
		o, there := got[key]
		if !there {
			return fmt.Sprintf("%s would go, or have another name", key.Short())
		}
		if at, same := p.same(key, want[key], o); !same {
			return fmt.Sprintf("%s of %s would be something else than is live", cmp.Or(at, "a field"), key.Short())
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(got), object.Key.Compare) {
		if _, there := want[key]; !there {
			return fmt.Sprintf("%s would come", key.Short())
		}
	}
	return ""
}

// same compares an object with what is expected of it. Along the paths that
// are adopted, an empty map is nothing, and the order of named items does not
// count.
func (p *planner) same(key object.Key, want, got map[string]any) (string, bool) {
	if reflect.DeepEqual(want, got) {
		return "", true
	}
	var along []object.Path
	for _, t := range p.targets {
		if t.own != key {
			continue
		}
		for _, w := range t.wants {
			along = append(along, w.Path)
		}
	}
	return value.Unlike(want, got, along)
}
