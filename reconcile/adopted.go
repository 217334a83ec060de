package reconcile

import (
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/internal/object"
)

// Adopts is how a commit names a difference that it takes over. Path is empty
// for an object as a whole.
func Adopts(key object.Key, path string) string {
	return strings.TrimSpace(key.String() + " " + path)
}

// adopts reports a difference that a commit takes over.
func adopts(by string, key object.Key, path string) bool {
	return by == "*" || by != "" && slices.Contains(strings.Split(by, "\n"), Adopts(key, path))
}

// adopted is what the commits of all sources take over.
func (d *Desired) adopted() string {
	var all []string
	for _, c := range d.Commits {
		if c.Adopts == "*" {
			return c.Adopts
		}
		if c.Adopts != "" {
			all = append(all, c.Adopts)
		}
	}
	return strings.Join(all, "\n")
}
