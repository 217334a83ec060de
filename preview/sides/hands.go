package sides

import (
	"strings"

	"github.com/trueup-dev/trueup/appset"
)

// ID names an application or a set.
type ID struct{ Namespace, Name string }

// Hand is who has an application: a set, or an application that describes it.
type Hand struct {
	By string
	// Stays is why that one deletes none which it describes no more; empty where
	// it does.
	Stays string
}

// Hands are those of one side.
type Hands map[ID]Hand

// Note takes in who has an application. Of several the first one counts, with
// what is known of it last; nobody is no news.
func (h Hands) Note(of ID, by, stays string) {
	if had, ok := h[of]; by == "" || ok && had.By != by {
		return
	}
	h[of] = Hand{by, stays}
}

// Passes tells whether somebody has an application who does not have it on the
// other side.
func (h Hands) Passes(of ID, to Hands) bool { return h[of].By != "" && h[of].By != to[of].By }

// Cascading are the finalizers by which an application's objects are deleted
// with it.
func Cascading(finalizers []string) []string {
	var out []string
	for _, f := range finalizers {
		if Cascades(f) {
			out = append(out, f)
		}
	}
	return out
}

// Cascades reports a finalizer by which an application's objects are deleted
// with it.
func Cascades(finalizer string) bool {
	return finalizer == "trueup.dev/resources" || finalizer == appset.Finalizer || strings.HasPrefix(finalizer, appset.Finalizer+"/")
}
