package ignore

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// mark says which places of a document are ignored.
type mark struct {
	whole bool
	keys  map[string]*mark
	items map[int]*mark
}

// add marks a path. A text in a path is an index where the document has a
// list; a path into a place that is not there marks it under its keys.
func (m *mark) add(doc any, path []any) {
	if len(path) == 0 {
		m.whole = true
		return
	}
	if list, ok := doc.([]any); ok {
		i, ok := index(path[0])
		if !ok || i >= len(list) {
			return
		}
		if i < 0 {
			i += len(list)
		}
		if i < 0 {
			return
		}
		if m.items == nil {
			m.items = map[int]*mark{}
		}
		if m.items[i] == nil {
			m.items[i] = &mark{}
		}
		m.items[i].add(list[i], path[1:])
		return
	}
	key, ok := path[0].(string)
	if !ok {
		return
	}
	if m.keys == nil {
		m.keys = map[string]*mark{}
	}
	if m.keys[key] == nil {
		m.keys[key] = &mark{}
	}
	under, _ := doc.(map[string]any)
	m.keys[key].add(under[key], path[1:])
}

func index(part any) (int, bool) {
	switch v := part.(type) {
	case int:
		return v, true
	case float64:
		return int(v), true
	case string:
		i, err := strconv.Atoi(v)
		return i, err == nil
	}
	return 0, false
}

func (m *mark) key(name string) *mark {
	if m == nil || m.keys[name] == nil {
		return &mark{}
	}
	return m.keys[name]
}

func (m *mark) item(i int) *mark {
	if m == nil || m.items[i] == nil {
		return &mark{}
	}
	return m.items[i]
}

func (m *mark) empty() bool { return !m.whole && len(m.keys) == 0 && len(m.items) == 0 }

// carry is want with the marked places of live. Neither is changed.
func carry(live, want any, inLive, inWant *mark) any {
	if inLive.whole || inWant.whole {
		return live
	}
	switch want := want.(type) {
	case map[string]any:
		if live, ok := live.(map[string]any); ok {
			return carryMap(live, want, inLive, inWant)
		}
	case []any:
		if live, ok := live.([]any); ok {
			return carryList(live, want, inLive, inWant)
		}
	}
	return want
}

func carryMap(live, want map[string]any, inLive, inWant *mark) map[string]any {
	out := maps.Clone(want)
	for _, key := range slices.Sorted(maps.Keys(both(inLive.keys, inWant.keys))) {
		l, w := inLive.key(key), inWant.key(key)
		if l.whole || w.whole {
			if value, ok := live[key]; ok {
				out[key] = value
			} else {
				delete(out, key)
			}
			continue
		}
		under, ok := out[key]
		if !ok {
			// What is marked in it may be all that there is of it.
			if _, isMap := live[key].(map[string]any); !isMap {
				continue
			}
			under = map[string]any{}
		}
		next := carry(live[key], under, l, w)
		if m, isMap := next.(map[string]any); ok || !isMap || len(m) > 0 {
			out[key] = next
		}
	}
	return out
}

func both(a, b map[string]*mark) map[string]*mark {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]*mark{}
	}
	maps.Copy(out, b)
	return out
}

// carryList pairs the elements of two lists and carries the marked places of
// each pair. Elements that are marked as a whole are live's, at the places
// that they have there.
func carryList(live, want []any, inLive, inWant *mark) []any {
	type element struct {
		at    int
		value any
	}
	var have, wish []element
	var extra []int
	for i, v := range live {
		if inLive.item(i).whole {
			extra = append(extra, i)
		} else {
			have = append(have, element{i, v})
		}
	}
	for i, v := range want {
		if !inWant.item(i).whole {
			wish = append(wish, element{i, v})
		}
	}
	partner := make([]int, len(wish)) // place in have, plus 1
	taken := make([]bool, len(have))
	pair := func(fits func(h, w element) bool) {
		for j, w := range wish {
			for i, h := range have {
				if partner[j] == 0 && !taken[i] && fits(h, w) {
					partner[j], taken[i] = i+1, true
				}
			}
		}
	}
	pair(func(h, w element) bool {
		return reflect.DeepEqual(strip(h.value, inLive.item(h.at)), strip(w.value, inWant.item(w.at)))
	})
	pair(func(h, w element) bool { id := identity(h.value); return id != "" && id == identity(w.value) })
	pair(func(h, w element) bool {
		return h.at == w.at && (identity(h.value) == "" || pointed(inLive, h.at) && pointed(inWant, w.at))
	})
	out := make([]any, 0, len(want)+len(extra))
	for j, w := range wish {
		if partner[j] == 0 {
			out = append(out, w.value)
			continue
		}
		h := have[partner[j]-1]
		out = append(out, carry(h.value, w.value, inLive.item(h.at), inWant.item(w.at)))
	}
	for _, i := range extra {
		out = slices.Insert(out, min(i, len(out)), live[i])
	}
	return out
}

// pointed reports whether only some elements of a list are marked: then they
// were chosen, by their place or by what is in them.
func pointed(m *mark, i int) bool { return !m.item(i).empty() && len(m.items) == 1 }

// strip is a value without what is marked in it.
func strip(v any, m *mark) any {
	if m.empty() {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if under := m.key(key); !under.whole {
				out[key] = strip(value, under)
			}
		}
		return out
	case []any:
		var out []any
		for i, value := range v {
			if under := m.item(i); !under.whole {
				out = append(out, strip(value, under))
			}
		}
		return out
	}
	return v
}

// identity tells elements of a list apart by the fields that name them.
func identity(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	if url, ok := m["repoURL"].(string); ok {
		text := func(key string) string { s, _ := m[key].(string); return s }
		return url + "\x00" + text("chart") + "\x00" + text("path") + "\x00" + text("ref") + "\x00" + text("name")
	}
	name, _ := m["name"].(string)
	kind, _ := m["kind"].(string)
	group, _ := m["group"].(string)
	return cmp.Or(name, kind) + map[bool]string{true: "\x00" + group + "\x00" + kind}[kind != ""]
}
