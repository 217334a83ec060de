package fence

import (
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Readable is what may be opened: paths by their place.
type Readable map[snapshot.Location]map[string]bool

// Add adds paths of a place.
func (r Readable) Add(at snapshot.Location, paths []string) {
	if r[at] == nil {
		r[at] = map[string]bool{}
	}
	for _, name := range paths {
		r[at][name] = true
	}
}

// Name names a location for people.
func Name(at snapshot.Location) string {
	name := repourl.Redact(at.RepoURL)
	if at.Chart != "" {
		name = "the chart " + at.Chart + " of " + name
	}
	if at.Revision != "" {
		name += " at " + at.Revision
	}
	return name
}
