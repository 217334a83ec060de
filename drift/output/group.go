package output

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Group is the applications that drifted alike: the same fields of objects of
// the same name hold the same values. The destination's own namespace may
// differ, and so may the hand.
type Group struct {
	// Change stands for the difference: equal in every report where the
	// difference is.
	Change       string   `json:"change"`
	Applications []string `json:"applications"`
}

// groups sorts drifted applications by what changed: the smallest first, which
// are the ones to look at.
func groups(apps []Application) []Group {
	index := map[string]int{}
	out := []Group{}
	for _, app := range apps {
		if !app.Drifted() {
			continue
		}
		change := app.change()
		i, ok := index[change]
		if !ok {
			i = len(out)
			index[change] = i
			out = append(out, Group{Change: change})
		}
		out[i].Applications = append(out[i].Applications, app.Name)
	}
	for _, g := range out {
		slices.Sort(g.Applications)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(len(a.Applications), len(b.Applications)), cmp.Compare(a.Applications[0], b.Applications[0]))
	})
	return out
}

// change stands for what differs. What is not listed may be anything, so that
// such an application is like no other.
func (a *Application) change() string {
	h := sha256.New()
	for _, o := range a.Objects {
		namespace := o.Namespace
		if namespace == a.namespace && namespace != "" {
			namespace = "."
		}
		fmt.Fprintf(h, "%q %q %q %q %s\n", o.Group, o.Kind, namespace, o.Name, o.State)
		for _, f := range o.Fields {
			values, err := json.Marshal([]any{f.Desired, f.Live})
			if err != nil {
				values = fmt.Append(nil, f.Desired, f.Live)
			}
			fmt.Fprintf(h, "  %q %s %s\n", f.Path, f.Class, values)
		}
	}
	if a.Unlisted > 0 {
		fmt.Fprintf(h, "%q and %d more", a.Name, a.Unlisted)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// named bounds the names that a line lists.
const named = 3

// Names lists a few, and counts the rest.
func (g Group) Names() string {
	if n := len(g.Applications); n > named {
		return strings.Join(g.Applications[:named], ", ") + fmt.Sprintf(" and %d more", n-named)
	}
	return strings.Join(g.Applications, ", ")
}

// Summary tells how alike drifted applications are: "298 identical; eu-7
// differs". It is empty where no two are.
func (r Report) Summary() string {
	var alike, odd []string
	for _, g := range r.Groups {
		if len(g.Applications) > 1 {
			alike = append(alike, fmt.Sprintf("%d identical", len(g.Applications)))
			continue
		}
		odd = append(odd, g.Applications[0])
	}
	if len(alike) == 0 {
		return ""
	}
	slices.Reverse(alike) // the largest first
	text := strings.Join(alike, ", ")
	switch n := len(odd); {
	case n == 1:
		text += "; " + odd[0] + " differs"
	case n > named:
		text += fmt.Sprintf("; %s and %d more differ", strings.Join(odd[:named], ", "), n-named)
	case n > 1:
		text += "; " + strings.Join(odd, ", ") + " differ"
	}
	return text
}
