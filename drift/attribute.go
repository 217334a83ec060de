package drift

import (
	"time"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

// Attribute adds to differences that no rule explains those one of whom made
// each. Writes lists the requests on an object; found is when the report was
// made, and zero where nobody knows.
func (r *Report) Attribute(writes func(object.Key) []audit.Event, found time.Time) {
	window := audit.Window{Until: found}
	for i := range r.Objects {
		o := &r.Objects[i]
		if o.State == Missing {
			o.Audit = audit.Who(audit.Change{Gone: true, Window: window}, writes(o.Key()))
		}
		var events []audit.Event
		for j := range o.Fields {
			f := &o.Fields[j]
			if f.Class == Expected || f.Class == Removed {
				continue
			}
			if events == nil {
				events = writes(o.Key())
			}
			f.Audit = audit.Who(audit.Change{
				Path: f.Path, Manager: f.Manager, Subresource: f.Subresource, Time: f.Time, Declared: f.Class == Declared, Window: window,
			}, events)
		}
	}
}
