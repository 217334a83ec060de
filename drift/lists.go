package drift

import (
	"slices"

	"github.com/trueup-dev/trueup/drift/known"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/object"
)

// item is one member of a list that is addressed by keys.
type item struct {
	place *place
	id    string
	value any
}

func (c *comparison) lists(p *place, desired, live []any) {
	switch {
	case p.typ != nil && p.typ.List == schema.ListSet, c.claimed(p) == ownership.Set:
		c.sets(p, desired, live)
		return
	case c.key.Kind == "HorizontalPodAutoscaler" && p.at("spec", "metrics"):
		c.metrics(p, desired, live)
		return
	}
	want, ok := c.keyed(p, desired)
	have, liveOK := c.keyed(p, live)
	if ok && liveOK {
		c.keyedLists(want, have)
		return
	}
	c.ordered(p, desired, live)
}

func (c *comparison) keyedLists(desired, live []item) {
	rest := make(map[string][]item, len(live))
	for _, it := range live {
		rest[it.id] = append(rest[it.id], it)
	}
	for _, it := range desired {
		if same := rest[it.id]; len(same) > 0 {
			rest[it.id] = same[1:]
			c.values(it.place, it.value, same[0].value)
			continue
		}
		c.removed(it.place, it.value, nil)
	}
	for _, it := range live {
		if same := rest[it.id]; len(same) > 0 {
			rest[it.id] = same[1:]
			c.liveOnly(same[0].place, same[0].value)
		}
	}
}

// claimed tells how the server takes a list of which no schema is known.
func (c *comparison) claimed(p *place) ownership.List {
	if p.typ.Known() || len(c.claims) == 0 {
		return ownership.Unknown
	}
	kind, _ := ownership.ListAt(c.claims, p.elements())
	return kind
}

// keyed addresses the items of a list by their keys: those of the schema,
// those that managedFields tell where there is no schema, or name where every
// item has a name of its own. False means that the order counts.
func (c *comparison) keyed(p *place, list []any) ([]item, bool) {
	keys := []string{"name"}
	guessed := !p.typ.Known()
	if !guessed {
		if p.typ.List != schema.ListMap {
			return nil, false
		}
		keys = p.typ.Keys
	} else if len(c.claims) > 0 {
		switch kind, names := ownership.ListAt(c.claims, p.elements()); kind {
		case ownership.Keyed:
			keys, guessed = names, false
		case ownership.Atomic, ownership.Set:
			return nil, false
		case ownership.Unknown: // name is a good guess
		}
	}
	seen := map[string]bool{}
	out := make([]item, 0, len(list))
	for _, value := range list {
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		found, ok := keysOf(m, keys, p.typ.Item())
		if !ok {
			return nil, false
		}
		id := compact(canonical(found))
		if guessed && seen[id] {
			return nil, false
		}
		seen[id] = true
		// Where the server has no schema, it owns lists as a whole.
		out = append(out, item{p.item(p.typ.Item(), object.Step{Keys: found}, guessed), id, value})
	}
	return out, true
}

// canonical makes keys comparable whatever type a number was read as.
func canonical(keys []object.KeyValue) []any {
	out := make([]any, 0, len(keys))
	for _, kv := range keys {
		if n, ok := schema.ParseNumber(kv.Value); ok {
			out = append(out, n)
			continue
		}
		out = append(out, kv.Value)
	}
	return out
}

// keysOf reads an item's keys. The server fills in a port's protocol, and
// what the schema has a default for.
func keysOf(m map[string]any, keys []string, typ *schema.Type) ([]object.KeyValue, bool) {
	out := make([]object.KeyValue, 0, len(keys))
	for _, name := range keys {
		value := m[name]
		if value == nil {
			switch t := typ.Field(name); {
			case t != nil && t.Default != nil:
				value = t.Default
			case name == "protocol":
				value = "TCP"
			default:
				return nil, false
			}
		}
		switch value.(type) {
		case map[string]any, []any:
			return nil, false
		}
		out = append(out, object.KeyValue{Name: name, Value: value})
	}
	return out, len(out) > 0
}

// sets compares without regard to order.
func (c *comparison) sets(p *place, desired, live []any) {
	used := make([]bool, len(live))
	for i, want := range desired {
		at := c.setItem(p, i, want)
		found := false
		for j, have := range live {
			if !used[j] && (c.equal(at, want, have) || compact(want) == compact(have)) {
				used[j], found = true, true
				break
			}
		}
		if !found {
			c.declared(at, want, nil)
		}
	}
	for j, have := range live {
		switch at := c.setItem(p, j, have); {
		case used[j]:
		case p.at("metadata", "finalizers"):
			c.liveOnly(at, have) // each finalizer has an owner of its own
		default:
			c.declared(at, nil, have)
		}
	}
}

// metrics compares an autoscaler's metrics, which the server returns in an
// order of its own, by what they measure.
func (c *comparison) metrics(p *place, desired, live []any) {
	at := func(i int) *place { return p.item(p.typ.Item(), object.Step{Index: &i}, true) }
	used := make([]bool, len(live))
	for i, want := range desired {
		j := slices.IndexFunc(live, func(have any) bool { return known.Measure(have) == known.Measure(want) })
		for ; j >= 0 && j < len(live) && (used[j] || known.Measure(live[j]) != known.Measure(want)); j++ {
		}
		if j < 0 || j == len(live) {
			c.declared(at(i), want, nil)
			continue
		}
		used[j] = true
		c.values(at(i), want, live[j])
	}
	for j, have := range live {
		if !used[j] {
			c.declared(at(j), nil, have)
		}
	}
}

func (c *comparison) setItem(p *place, i int, value any) *place {
	at := p.item(p.typ.Item(), object.Step{Index: &i}, false)
	at.value = value
	return at
}

// ordered compares item by item: such a list has one owner, and applying
// replaces it as a whole. Inside the items, what the server filled in does not
// count.
func (c *comparison) ordered(p *place, desired, live []any) {
	at := func(i int) *place { return p.item(p.typ.Item(), object.Step{Index: &i}, true) }
	for i := range min(len(desired), len(live)) {
		if known.Empty(desired[i]) != known.Empty(live[i]) {
			// {} in a list says "anything", which is far from nothing.
			c.declared(at(i), desired[i], live[i])
			continue
		}
		c.values(at(i), desired[i], live[i])
	}
	for i := len(live); i < len(desired); i++ {
		c.declared(at(i), desired[i], nil)
	}
	for i := len(desired); i < len(live); i++ {
		c.declared(at(i), nil, live[i])
	}
}
