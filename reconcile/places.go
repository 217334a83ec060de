package reconcile

import "github.com/trueup-dev/trueup/internal/snapshot"

// Place is where objects were made from, and the paths that were asked for
// there, sorted.
type Place struct {
	At    snapshot.Location
	Paths []string
}

// Places tell what was read, place by place; one may come several times.
func (d *Desired) Places() []Place {
	var out []Place
	for _, a := range d.asked {
		for _, tree := range a.trees {
			out = append(out, Place{tree.at, tree.reads.Paths()})
		}
	}
	return out
}
