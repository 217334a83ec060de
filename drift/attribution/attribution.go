package attribution

import (
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
)

// Writes lists the requests on an object.
type Writes func(object.Key) []audit.Event

// Report adds to the differences of a report that no rule explains those one
// of whom made each.
func Report(r *drift.Report, writes Writes) {
	for i := range r.Objects {
		o := &r.Objects[i]
		if o.State == drift.Missing {
			o.Audit = audit.Who(audit.Change{Gone: true}, writes(o.Key()))
		}
		for j := range o.Fields {
			f := &o.Fields[j]
			if f.Class == drift.Expected || f.Class == drift.Removed {
				continue
			}
			of := audit.Change{Path: f.Path, Manager: f.Manager, Subresource: f.Subresource, Time: f.Time, Declared: f.Class == drift.Declared}
			f.Audit = audit.Who(of, writes(o.Key()))
		}
	}
}

// clocks is how far those of the agent and of a cluster may be apart; times in
// a status are in whole seconds.
const clocks = 2*time.Second + time.Second

// Change adds to one difference of a status those one of whom made it, unless
// the status tells somebody.
func Change(c *v1alpha1.DriftChange, writes Writes) {
	if len(audit.Shown(*c)) > 0 {
		return
	}
	of := audit.Change{Path: c.Path, Gone: c.Path == "", Manager: c.Manager, Subresource: c.Subresource, Declared: c.Class == string(drift.Declared)}
	if c.Time != nil {
		of.Time = &c.Time.Time
	}
	if c.FoundAt != nil {
		of.Until = c.FoundAt.Add(clocks)
	}
	audit.Show(audit.Who(of, writes(KeyOf(*c))), c)
}

// KeyOf is the object of a difference of a status.
func KeyOf(c v1alpha1.DriftChange) object.Key {
	return object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
}
