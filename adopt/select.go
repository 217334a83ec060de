package adopt

import (
	"fmt"
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
	c := choice{Selection: s, hit: map[string]bool{}}
	known := false
	for _, o := range report.Objects {
		if s.Object == "" || means(s.Object, o.Key()) {
			known = true
			c.object(o)
		}
	}
	if s.Object != "" && !known {
		return nil, nil, fault.New(fault.Invalid, "it has no object %q: want KIND/NAME or KIND/NAMESPACE/NAME", s.Object)
	}
	for _, p := range s.Paths {
		if !c.hit[p] {
			return nil, nil, fault.New(fault.Invalid, "nothing differs at %s", p)
		}
	}
	if keys := keysOf(c.wanted); s.Object != "" && len(keys) > 1 {
		return nil, nil, fault.New(fault.Invalid, "%q is one of %s: say KIND/NAMESPACE/NAME", s.Object, strings.Join(keys, ", "))
	}
	return c.wanted, c.refused, nil
}

// choice is a selection in the making.
type choice struct {
	Selection
	wanted  []Wanted
	refused []Refused
	hit     map[string]bool // paths that something differs at
}

func (c *choice) refuse(key object.Key, path, reason string) {
	c.refused = append(c.refused, Refused{key, path, reason})
}

func (c *choice) object(o drift.Object) {
	switch o.State {
	case drift.Missing:
		switch {
		case c.Object == "" && len(c.Paths) == 0:
			c.refuse(o.Key(), "", "it is not there: name it with --object where Git shall drop it")
		case c.Object != "" && len(c.Paths) == 0:
			c.wanted = append(c.wanted, Wanted{Object: o, Gone: true})
		}
	case drift.Extra, drift.Orphaned:
		if c.Object != "" {
			c.refuse(o.Key(), "", "Git does not describe the object: add a file for it")
		}
	case drift.Unknown:
		c.refuse(o.Key(), "", "it could not be compared: "+o.Reason)
	case drift.InSync, drift.Modified:
		w := Wanted{Object: o}
		for _, f := range o.Fields {
			if c.field(o.Key(), f) {
				w.Fields = append(w.Fields, f)
			}
		}
		if len(w.Fields) > 0 {
			c.wanted = append(c.wanted, w)
		}
	}
}

func (c *choice) field(key object.Key, f drift.Field) bool {
	named := false
	for _, p := range c.Paths {
		if f.Path == p || strings.HasPrefix(f.Path, p+".") || strings.HasPrefix(f.Path, p+"[") {
			named, c.hit[p] = true, true
		}
	}
	switch {
	case len(c.Paths) > 0 && !named:
		return false
	case f.Manager == object.FieldManager && f.Class != drift.Expected:
		if named || c.Object != "" {
			c.refuse(key, f.Path, "the live value is from an earlier commit: it is Git that moved on")
		}
		return false
	}
	return named || f.Class == drift.Declared || f.Class == drift.Undeclared && c.Undeclared
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
