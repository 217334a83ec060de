package live

import (
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview"
)

// maxDrifts bounds the drifts of one object that are told one by one, maxEdits
// its overwrites.
const (
	maxDrifts = 5
	maxEdits  = 20
)

// sides are what live is held against.
type sides struct {
	// base and head are how live differs from each. base is nil where it has no
	// such object.
	base *drift.Object
	head drift.Object
	// touched are the paths that the change alters; nil where all are.
	touched []string
	known   []v1alpha1.DriftChange
	// hidden: live values are not to be shown.
	hidden bool
	// removes: a sync takes away what somebody added.
	removes bool
}

// takes reports a difference from head that a sync takes away.
func (s sides) takes(f drift.Field) bool {
	return f.ToSync() || s.removes && f.Class == drift.Undeclared && revert.Kept(f) == ""
}

// edits tells what of live is lost, and what else differs from base.
func (s sides) edits() (lost, drifts []preview.Edit) {
	for _, f := range s.head.Fields {
		foreign := f.Manager != "" && f.Manager != object.FieldManager
		if s.takes(f) && foreign && f.Live != nil && s.differed(f.Path) {
			lost = append(lost, s.edit(f, true))
		}
	}
	if s.base == nil {
		return lost, nil
	}
	for _, f := range s.base.Fields {
		if f.Class == drift.Expected || slices.ContainsFunc(lost, func(e preview.Edit) bool { return related(e.Path, f.Path) }) {
			continue
		}
		e := s.edit(f, false)
		if e.Touched && !s.stays(f.Path) {
			continue // it is as head says, or will be
		}
		drifts = append(drifts, e)
	}
	return lost, drifts
}

// differed reports that live was not what base says.
func (s sides) differed(path string) bool {
	return s.base == nil || slices.ContainsFunc(s.base.Fields, func(f drift.Field) bool {
		return f.Class != drift.Expected && related(f.Path, path)
	})
}

// stays reports a difference from head that no sync takes away.
func (s sides) stays(path string) bool {
	return slices.ContainsFunc(s.head.Fields, func(f drift.Field) bool { return f.Class == drift.Undeclared && !s.takes(f) && related(f.Path, path) })
}

// edit tells of a field of the comparison with head, or with base.
func (s sides) edit(f drift.Field, ofHead bool) preview.Edit {
	e := preview.Edit{
		Path: f.Path, Live: f.Live, Class: f.Class, Manager: f.Manager, Operation: f.Operation, Subresource: f.Subresource, Time: f.Time,
		Touched: s.touches(f.Path),
	}
	base, head := f.Desired, f.Desired
	if ofHead {
		base = s.other(s.base, f)
	} else {
		head = s.other(&s.head, f)
		e.Stays = !slices.ContainsFunc(s.head.Fields, func(h drift.Field) bool { return s.takes(h) && related(h.Path, f.Path) })
	}
	if e.Base, e.Head = base, head; s.hidden {
		e.Live, e.Hidden = nil, true
	}
	key := s.head.Key()
	for _, c := range s.known {
		if (object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}) != key || c.Path != f.Path {
			continue
		}
		if c.FoundAt != nil {
			at := c.FoundAt.UTC()
			e.FoundAt = &at
		}
		if e.Manager == c.Manager {
			e.Audit = audit.Shown(c)
		}
	}
	return e
}

// other is what the other side says at the place of a field: what this one
// does where the change does not touch it.
func (s sides) other(o *drift.Object, f drift.Field) any {
	if o != nil {
		for _, g := range o.Fields {
			if g.Path == f.Path {
				return g.Desired
			}
		}
	}
	if s.touches(f.Path) {
		return nil
	}
	return f.Desired
}

func (s sides) touches(path string) bool {
	return s.touched == nil || slices.ContainsFunc(s.touched, func(t string) bool { return related(t, path) })
}

// related reports paths one of which is the other, or below it.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, ok := strings.CutPrefix(b, a)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
