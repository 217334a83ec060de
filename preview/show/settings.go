package show

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/preview"
)

// Setting is what becomes of applications themselves, told once for all of
// which the same does. Its texts have nothing in them that does not print.
type Setting struct {
	Apps []string
	// Clusters are where these go, Origins where they are described.
	Clusters, Origins []string
	// Action is Create or Delete where they come or go, Unknown where base cannot
	// tell, else Rename or Update.
	Action preview.Action
	// Was is the name before a Rename.
	Was string
	// Kept is why those of a Delete, or of the name before, stay in the cluster.
	Kept string
	// Paths are the fields that change, Blocks their lines, apart for each.
	Paths  []string
	Blocks [][]Line
}

// Lines are those of all fields.
func (s Setting) Lines() []Line { return slices.Concat(s.Blocks...) }

// Origin names some of the places.
func (s Setting) Origin() string { return few(s.Origins, "; ") }

// What tells it in a few words.
func (s Setting) What() string {
	switch s.Action {
	case preview.Create:
		return Plural(len(s.Apps), "new application", "new applications")
	case preview.Delete:
		if s.Kept != "" {
			return Plural(len(s.Apps), "the application is described no more, and stays: ", "the applications are described no more, and stay: ") + s.Kept
		}
		return Plural(len(s.Apps), "the application goes away", "the applications go away")
	case preview.Unknown:
		return Plural(len(s.Apps), "the application may be new", "the applications may be new")
	case preview.Rename:
		if s.Kept != "" {
			return "the application itself, renamed from " + s.Was + ", which stays: " + s.Kept
		}
		return "the application itself, renamed from " + s.Was
	case preview.Update, preview.Same:
	}
	return Plural(len(s.Apps), "the application itself", "the applications themselves")
}

// Settings are what becomes of applications themselves, those first that come or
// go.
func Settings(r preview.Report) []Setting {
	listed := map[[2]string]int{}
	for _, app := range r.Apps {
		listed[[2]string{app.Namespace, app.Name}]++
	}
	type told struct {
		Setting
		apps, clusters, origins names
	}
	at := map[string]*told{}
	var order []*told
	for _, app := range r.Apps {
		s := Setting{Action: app.Action, Was: markdown.Visible(app.Was), Kept: markdown.Visible(app.Kept)}
		moves := listed[[2]string{app.Namespace, app.Name}] > 1
		switch {
		case moves && len(app.Settings) == 0:
			continue // it is listed where it goes as well
		case moves || !slices.Contains(comings, app.Action):
			s.Action = preview.Update
		}
		if s.Action == preview.Update && len(app.Settings) == 0 {
			continue
		}
		for _, f := range app.Settings {
			s.Paths, s.Blocks = append(s.Paths, f.Path), append(s.Blocks, Field(f))
		}
		key := fmt.Sprintf("%q %q %q %v", s.Action, s.Was, s.Kept, s.Blocks)
		if at[key] == nil {
			at[key] = &told{Setting: s}
			order = append(order, at[key])
		}
		at[key].apps.add(app.Name)
		at[key].clusters.add(app.Cluster)
		at[key].origins.add(app.Origin)
	}
	out := make([]Setting, 0, len(order))
	for _, t := range order {
		t.Apps, t.Clusters, t.Origins = t.apps.list, t.clusters.list, t.origins.list
		out = append(out, t.Setting)
	}
	rank := append(slices.Clone(comings), preview.Update)
	slices.SortStableFunc(out, func(a, b Setting) int { return cmp.Compare(slices.Index(rank, a.Action), slices.Index(rank, b.Action)) })
	return out
}

// comings are what happens to applications beside a change of their settings.
var comings = []preview.Action{preview.Create, preview.Delete, preview.Unknown, preview.Rename} //nolint:gochecknoglobals // a list that nobody writes

// names are different ones, in the order that they came, which may be many.
type names struct {
	list []string
	seen map[string]bool
}

// add adds a name that prints; none is not added.
func (n *names) add(name string) {
	name = markdown.Visible(name)
	if name == "" || n.seen[name] {
		return
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	n.seen[name], n.list = true, append(n.list, name)
}
