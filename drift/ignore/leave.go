package ignore

import (
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/drift/jq"
)

// Left is a difference that a sync is to leave as it is.
type Left struct {
	Path string
	// Copy says that the live value must be sent: to leave it out would take
	// it away, because it is ours or part of a value that has one owner.
	Copy bool
	// Added says that only live has it.
	Added bool
	// Gone says that live does not have it, and is not to get it.
	Gone bool
}

// LeaveToLive returns what to apply instead of desired, so that differences
// stay what they are in live. What live does not have is applied. Neither
// object is changed; the result shares what it does not change.
func LeaveToLive(desired, live map[string]any, all []Left) map[string]any {
	out := desired
	var drop cut
	for _, left := range all {
		p, err := parsePattern(left.Path)
		if err != nil {
			continue
		}
		p.literally()
		if left.Gone {
			mine, _ := p.find(&jq.Input{Object: out})
			addAll(&drop, mine)
			continue
		}
		found, err := p.find(&jq.Input{Object: live})
		if err != nil || len(found) != 1 {
			continue
		}
		if !left.Copy {
			mine, _ := p.find(&jq.Input{Object: out})
			addAll(&drop, mine)
			continue
		}
		value := at(live, found[0])
		out, _ = p.set(out, value, left.Added).(map[string]any)
	}
	rest, _ := drop.without(out).(map[string]any)
	return rest
}

// set puts a value where the pattern leads, in a copy of as much of v as
// differs. Without a parent there is no place for it.
func (p pattern) set(v, value any, added bool) any {
	if len(p) == 0 {
		return value
	}
	step, rest := p[0], p[1:]
	switch v := v.(type) {
	case map[string]any:
		if step.index != nil || len(step.keys) > 0 {
			return v
		}
		out := maps.Clone(v)
		child, there := v[step.field]
		switch {
		case there || len(rest) == 0:
			out[step.field] = rest.set(child, value, added)
		case rest.plain():
			out[step.field] = rest.set(map[string]any{}, value, added)
		}
		return out
	case []any:
		out := slices.Clone(v)
		last := len(rest) == 0
		if i := step.index; i != nil {
			switch {
			case last && added:
				return slices.Insert(out, min(*i, len(out)), value)
			case *i < len(out):
				out[*i] = rest.set(out[*i], value, added)
			}
			return out
		}
		for i, item := range out {
			if len(step.keys) > 0 && step.named(item) {
				out[i] = rest.set(item, value, added)
				return out
			}
		}
		if last {
			return append(out, value)
		}
		return out
	}
	return v
}

// plain reports a pattern of fields alone.
func (p pattern) plain() bool {
	return !slices.ContainsFunc(p, func(h hop) bool { return h.index != nil || len(h.keys) > 0 })
}
