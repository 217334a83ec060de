package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
)

// Selection says which differences of a report are meant. Without an object
// and paths, these are those that somebody made in fields which Git declares.
type Selection struct {
	// Object is KIND/NAME or KIND/NAMESPACE/NAME.
	Object string
	// Paths are fields, as reports print them; all below one are meant, too.
	Paths []string
	// Undeclared adds fields that only live has.
	Undeclared bool
}

// Select picks the differences to adopt, and says why others that were meant
// cannot be. An object or a path that picks nothing is fault.Invalid.
func Select(report drift.Report, s Selection) ([]Wanted, []Refused, error) {
	var wanted []Wanted
	var refused []Refused
	known := false
	hit := map[string]bool{}
	for _, o := range report.Objects {
		if s.Object != "" && !means(s.Object, o.Key()) {
			continue
		}
		known = true
		switch o.State {
		case drift.Missing:
			switch {
			case s.Object == "" && len(s.Paths) == 0:
				refused = append(refused, Refused{Key: o.Key(), Reason: "it is not there: name it with --object where Git shall drop it"})
			case len(s.Paths) == 0:
				wanted = append(wanted, Wanted{Object: o, Gone: true})
			}
			continue
		case drift.Extra, drift.Orphaned:
			if s.Object != "" {
				refused = append(refused, Refused{Key: o.Key(), Reason: "Git does not describe the object: add a file for it"})
			}
			continue
		case drift.Unknown:
			refused = append(refused, Refused{Key: o.Key(), Reason: "it could not be compared: " + o.Reason})
			continue
		}
		w := Wanted{Object: o}
		for _, f := range o.Fields {
			named := slices.ContainsFunc(s.Paths, func(p string) bool {
				below := f.Path == p || strings.HasPrefix(f.Path, p+".") || strings.HasPrefix(f.Path, p+"[")
				hit[p] = hit[p] || below
				return below
			})
			switch {
			case len(s.Paths) > 0 && !named:
			case f.Manager == object.FieldManager && f.Class != drift.Expected:
				if named || s.Object != "" {
					refused = append(refused, Refused{o.Key(), f.Path, "the live value is from an earlier commit: it is Git that moved on"})
				}
			case named, f.Class == drift.Declared, f.Class == drift.Undeclared && s.Undeclared:
				w.Fields = append(w.Fields, f)
			}
		}
		if len(w.Fields) > 0 {
			wanted = append(wanted, w)
		}
	}
	if s.Object != "" && !known {
		return nil, nil, fault.New(fault.Invalid, "it has no object %q: want KIND/NAME or KIND/NAMESPACE/NAME", s.Object)
	}
	for _, p := range s.Paths {
		if !hit[p] {
			return nil, nil, fault.New(fault.Invalid, "nothing differs at %s", p)
		}
	}
	if s.Object != "" {
		if keys := keysOf(wanted); len(keys) > 1 {
			return nil, nil, fault.New(fault.Invalid, "%q is one of %s: say KIND/NAMESPACE/NAME", s.Object, strings.Join(keys, ", "))
		}
	}
	return wanted, refused, nil
}

func means(text string, key object.Key) bool {
	parts := strings.Split(text, "/")
	fits := len(parts) == 2 && parts[1] == key.Name || len(parts) == 3 && parts[1] == key.Namespace && parts[2] == key.Name
	return fits && strings.EqualFold(parts[0], key.Kind)
}

func keysOf(all []Wanted) []string {
	var out []string
	for _, w := range all {
		out = append(out, fmt.Sprint(w.Object.Key()))
	}
	return out
}
