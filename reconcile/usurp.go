package reconcile

import (
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
)

// usurped are the paths of differences that managed fields call our own, and
// that are not: somebody wrote under our name.
type usurped map[string]bool

// ours reports a difference that looks like Git having moved on: the live
// value is the one that we applied. We write by server-side apply only.
func (u usurped) ours(f drift.Field) bool {
	return f.Manager == object.FieldManager && (f.Operation == "" || f.Operation == "Apply") && !u[f.Path]
}

// before picks what was known of objects that are to be looked at again.
func (m *Memory) before(keys []object.Key) map[object.Key]seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[object.Key]seen, len(keys))
	for _, key := range keys {
		if s, ok := m.seen[key]; ok {
			out[key] = s
		}
	}
	return out
}

// usurp marks the differences under our own name that came while Git described
// the same, or that were told as drift already. What a sync leaves is not
// among them: a webhook may change what we apply.
func (m *Memory) usurp(before map[object.Key]seen, keys []object.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys {
		s, ok := m.seen[key]
		if !ok {
			continue
		}
		was, known := before[key]
		known = known && was.desired == s.desired && was.live != nil && was.verdict.State != drift.Unknown
		for _, f := range s.verdict.Fields {
			if !s.usurped.ours(f) {
				continue
			}
			_, told := m.open[place{key, f.Path}]
			if told || known && (was.usurped[f.Path] || !was.differs(f.Path)) {
				if s.usurped == nil {
					s.usurped = usurped{}
				}
				s.usurped[f.Path] = true
			}
		}
		m.seen[key] = s
	}
}

func (s seen) differs(path string) bool {
	for _, f := range s.verdict.Fields {
		if f.Path == path {
			return true
		}
	}
	return false
}
