package preview

import (
	"encoding/json"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/risk"
)

// What a report says of itself. Fields may be added under one version, and
// keep their meaning.
const (
	APIVersion = "trueup.dev/v1alpha1"
	Kind       = "PreviewReport"
)

// Report is what merging a change would do.
type Report struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Base, Head and Merge are commits: where the change is to go, its end,
	// and what was rendered as their merge; Merge is empty where that is Head.
	Base  string `json:"base"`
	Head  string `json:"head"`
	Merge string `json:"merge,omitempty"`
	// Total counts the applications of both sides, Rendered those that the
	// change may touch; the others read nothing that it changes. In JSON it is
	// Known: those that fail are not rendered.
	Total    int `json:"total"`
	Rendered int `json:"rendered"`
	// Apps are the applications that change or fail, by name.
	Apps []App `json:"applications"`
	// Sections tell each change once, with the applications that share it.
	Sections []Section      `json:"sections"`
	Risks    []risk.Finding `json:"risks"`
	// Standing are violations of policies that base has as well: they count for
	// nothing.
	Standing []risk.Finding `json:"standing,omitempty"`
	// Problems are failures that concern no single application: documents
	// that cannot be read, sets that cannot be expanded.
	Problems []Problem `json:"problems,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	// Untrusted: whoever wrote the change may not push to the repository, and
	// less was read for it. A warning tells what.
	Untrusted bool `json:"untrusted,omitempty"`
	// Live is what clusters say, where they were asked.
	Live *Live `json:"live,omitempty"`
	// Seconds is what making the report took.
	Seconds float64 `json:"seconds"`
}

// Action is what a merge does to an application or an object.
type Action string

// The closed set of actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	// Rename deletes under one name and creates under another.
	Rename Action = "rename"
	// Unknown marks an object that head has where base cannot be rendered, and an
	// application where base cannot tell: it may be new, or changed, or the same.
	Unknown Action = "unknown"
	// Same marks an application whose objects all stay, though it is listed:
	// its own settings change, or it fails.
	Same Action = "same"
)

// App is an application that changes or fails.
type App struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Cluster   string `json:"cluster,omitempty"`
	Action    Action `json:"action"`
	// Was is the name before a Rename.
	Was string `json:"was,omitempty"`
	// Kept is why the application of a Delete, or the old one of a Rename, stays:
	// it is described no more, and nobody deletes it.
	Kept string `json:"kept,omitempty"`
	// Origin is where the application is described: the file and line, or those of
	// the generator of the set it comes from, with their names.
	Origin string `json:"origin,omitempty"`
	// Settings are changes of the application itself: its spec, and the
	// finalizers by which its objects are deleted with it.
	Settings []Field  `json:"settings,omitempty"`
	Objects  []Object `json:"objects"`
	Problem  *Problem `json:"problem,omitempty"`
}

// Problem is why something is not known.
type Problem struct {
	Message string `json:"message"`
	// Before says that base has the same problem: the change did not make it.
	Before bool `json:"before,omitempty"`
	// Only says that base alone has it, and the change mends it. What the change
	// does is not known then; what head has is told whole.
	Only bool `json:"only,omitempty"`
}

// Object is an object that changes.
type Object struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Action    Action `json:"action"`
	// Was is the name before a Rename.
	Was string `json:"was,omitempty"`
	// Kept is why the object of a Delete, or the old one of a Rename, stays in the
	// cluster: it is described no more, and nothing takes it away.
	Kept string `json:"kept,omitempty"`
	// Origin is the file and the line that describe it: of base for a Delete.
	Origin string `json:"origin,omitempty"`
	// Fields are what an Update or a Rename changes, sorted by path.
	Fields []Field `json:"fields,omitempty"`
	// Manifest is the whole object of a Create, a Delete or an Unknown, with marks in place
	// of secret values.
	Manifest map[string]any `json:"manifest,omitempty"`
}

// Key identifies the object.
func (o Object) Key() object.Key {
	return object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Field is one value that changes; nil is none.
type Field struct {
	Path   string `json:"path"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// Section is a change that several applications share.
type Section struct {
	// Change stands for it: equal in every report where the change is.
	Change  string   `json:"change"`
	Targets []Target `json:"targets"`
	Objects []Object `json:"objects"`
}

// Target is where a change goes.
type Target struct {
	Application string `json:"application"`
	Cluster     string `json:"cluster,omitempty"`
}

// Count counts objects by what happens to them, without deletions that leave
// the object in the cluster.
func (r Report) Count(a Action) int {
	return r.count(func(o Object) bool { return o.Action == a && (a != Delete || o.Kept == "") })
}

// Kept counts those deletions.
func (r Report) Kept() int {
	return r.count(func(o Object) bool { return o.Action == Delete && o.Kept != "" })
}

func (r Report) count(counts func(Object) bool) int {
	n := 0
	for _, app := range r.Apps {
		for _, o := range app.Objects {
			if counts(o) {
				n++
			}
		}
	}
	return n
}

// Renamed counts applications that get another name.
func (r Report) Renamed() int {
	n := 0
	for _, app := range r.Apps {
		if app.Action == Rename {
			n++
		}
	}
	return n
}

// Failures counts applications that are not known on some side.
type Failures struct {
	// Broken fail with the change, Already on base as well, Mended on base alone.
	Broken, Already, Mended int
}

// Failed counts applications that the change, or base, keeps from being known.
func (r Report) Failed() Failures {
	var out Failures
	for _, app := range r.Apps {
		switch {
		case app.Problem == nil:
		case app.Problem.Only:
			out.Mended++
		case app.Problem.Before:
			out.Already++
		default:
			out.Broken++
		}
	}
	return out
}

// Broken counts what fails with the change and not on base, beside applications
// too. What base fails at already is not the fault of the change.
func (r Report) Broken() int {
	n := r.Failed().Broken
	for _, p := range r.Problems {
		if !p.Before && !p.Only {
			n++
		}
	}
	return n
}

// Known counts the applications that the change may touch and that are known
// with it: all but those that fail.
func (r Report) Known() int {
	failed := r.Failed()
	return max(r.Rendered-failed.Broken-failed.Already, 0)
}

// MarshalJSON tells in Rendered what Known counts.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	out := plain(r)
	out.Rendered = r.Known()
	return json.Marshal(out)
}

// Complete reports that everything the change may touch was rendered on both
// sides.
func (r Report) Complete() bool {
	return r.Failed() == (Failures{}) && len(r.Problems) == 0
}

// Changed counts the applications that change.
func (r Report) Changed() int {
	all := map[sideID]bool{}
	for _, app := range r.Apps {
		if app.Action != Same || len(app.Objects)+len(app.Settings) > 0 {
			all[sideID{app.Namespace, app.Name}] = true // one that moves is listed twice
		}
	}
	return len(all)
}

func fieldsOf(fields []drift.Field) []Field {
	out := make([]Field, 0, len(fields))
	for _, f := range fields {
		out = append(out, Field{Path: f.Path, Before: f.Live, After: f.Desired})
	}
	return out
}
