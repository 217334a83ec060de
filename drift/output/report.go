package output

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ownership"
	"github.com/trueup-dev/trueup/internal/markdown"
	"github.com/trueup-dev/trueup/internal/object"
)

// What a DriftReport says of itself. Fields may be added under one version,
// and keep their meaning.
const (
	APIVersion = "trueup.dev/v1alpha1"
	Kind       = "DriftReport"
)

// Head is how every document begins.
type Head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// NewHead is the head of this version.
func NewHead() Head { return Head{APIVersion, Kind} }

// Report is what was seen of several applications.
type Report struct {
	Head
	Applications []Application `json:"applications"`
	// Groups are the drifted applications by what changed, the odd ones first.
	Groups []Group `json:"groups"`
}

// Comparison is a report of one comparison, which names no application where
// both sides were files.
type Comparison struct {
	Head
	Application string `json:"application,omitempty"`
	drift.Report
}

// Application is the drift of one application.
type Application struct {
	Name     string `json:"application"`
	Sync     string `json:"sync,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Problem says why it could not be compared; empty where it was.
	Problem string `json:"problem,omitempty"`
	// Note says what the comparison could not tell.
	Note string `json:"note,omitempty"`
	// Drift is the agent's summary.
	Drift *v1alpha1.DriftSummary `json:"drift"`
	// Objects are those that differ, and Unlisted the differences beyond them
	// that a bounded status does not list.
	Objects  []drift.Object `json:"objects"`
	Unlisted int            `json:"unlisted,omitempty"`
	// Unsynced counts the objects that wait for a sync of what Git says.
	Unsynced int `json:"unsynced,omitempty"`

	// namespace is the destination's, same the objects without drift.
	namespace string
	same      []object.Key
}

// New makes a report of what was seen of applications.
func New(apps ...Application) Report {
	if apps == nil {
		apps = []Application{}
	}
	return Report{Head: NewHead(), Applications: apps, Groups: groups(apps)}
}

// FromComparison reads one comparison. Differences that are expected count
// only with all.
func FromComparison(name string, report drift.Report, all bool) Application {
	app := Application{Name: name, Note: report.Note()}
	for _, o := range report.Objects {
		if !all {
			o.Fields = slices.DeleteFunc(slices.Clone(o.Fields), func(f drift.Field) bool { return f.Class == drift.Expected })
		}
		if o.State == drift.InSync && len(o.Fields) == 0 {
			app.same = append(app.same, o.Key())
			continue
		}
		app.Objects = append(app.Objects, o)
	}
	app.Problem = app.vague()
	return app
}

// vague names the objects that could not be compared, with the reasons.
func (a *Application) vague() string {
	var lines []string
	for _, o := range a.Objects {
		if o.State == drift.Unknown {
			lines = append(lines, o.Key().Short()+": "+o.Reason)
		}
	}
	return strings.Join(lines, "\n")
}

// FromStatus reads the status of an application.
func FromStatus(app *v1alpha1.Application) Application {
	out := Application{
		Name: app.Name, Sync: string(app.Status.Sync.Status), Drift: app.Status.Drift, Objects: []drift.Object{},
		namespace: app.Spec.Destination.Namespace,
	}
	if out.Drift == nil || app.Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown {
		out.Problem = "it was not compared yet"
	}
	for _, c := range app.Status.Conditions {
		if c.Type == "ComparisonError" {
			out.Problem = c.Message
		}
	}
	origins := map[object.Key]string{}
	for _, r := range app.Status.Resources {
		origins[object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}] = r.Origin
	}
	if out.Drift != nil {
		out.changes(out.Drift, origins)
	}
	out.unsynced(app)
	for _, r := range app.Status.Resources {
		key := object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		o := out.object(key)
		switch unknown := r.Status == v1alpha1.SyncStatusCodeUnknown; {
		case o != nil && unknown: // what was open on it is still listed
			o.State, o.Reason = drift.Unknown, r.Message
		case unknown:
			o := drift.NotCompared(key, r.Message)
			o.Origin = r.Origin
			out.Objects = append(out.Objects, o)
		case o == nil:
			out.same = append(out.same, key)
		}
	}
	return out
}

func (a *Application) changes(d *v1alpha1.DriftSummary, origins map[object.Key]string) {
	fields := 0
	for _, c := range d.Changes {
		key := object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
		o := a.object(key)
		if o == nil {
			a.Objects = append(a.Objects, drift.Object{
				Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name, State: drift.InSync, Origin: origins[key], Fields: []drift.Field{},
			})
			o = &a.Objects[len(a.Objects)-1]
		}
		if c.Path == "" {
			o.State, o.Audit, o.Declared = drift.Missing, audit.Shown(c), declaredBy(c.DeclaredBy)
			continue
		}
		fields++
		f := FieldOf(c)
		if f.ToSync() {
			o.State = drift.Modified
		}
		o.Fields = append(o.Fields, f)
	}
	a.Unlisted = max(0, d.Fields-fields) + max(0, d.Objects-len(a.Objects))
}

func (a *Application) object(key object.Key) *drift.Object {
	for i := range a.Objects {
		if a.Objects[i].Key() == key {
			return &a.Objects[i]
		}
	}
	return nil
}

// Drifted reports whether anything differs.
func (a *Application) Drifted() bool {
	return a.Drift != nil && a.Drift.Objects > 0 || slices.ContainsFunc(a.Objects, func(o drift.Object) bool {
		return o.State != drift.InSync && o.State != drift.Orphaned && o.State != drift.Unknown
	})
}

// FieldOf is a change of a status as the comparison told it.
func FieldOf(c v1alpha1.DriftChange) drift.Field {
	f := drift.Field{
		Path: c.Path, Desired: decoded(c.Desired), Live: decoded(c.Live),
		Class: drift.Class(c.Class), Manager: c.Manager, Operation: c.Operation, Subresource: c.Subresource, Audit: audit.Shown(c), Declared: declaredBy(c.DeclaredBy),
	}
	if c.Time != nil {
		f.Time = &c.Time.Time
	}
	if t := c.Trace; t != nil && t.After != nil && t.Before != nil {
		f.Trace = &ownership.Trace{After: t.After.UTC(), Before: t.Before.UTC(), Managers: t.Managers}
	}
	return f
}

func decoded(j *apiextensionsv1.JSON) any {
	if j == nil {
		return nil
	}
	var v any
	if err := json.Unmarshal(j.Raw, &v); err != nil {
		return string(j.Raw)
	}
	return v
}

// maxRunes bounds a value on one line.
const maxRunes = 160

// Value prints a value on one line, as JSON where it is not a plain word.
// Nothing in it moves a cursor or turns the line around.
func Value(v any) string {
	text, plain := v.(string)
	if !plain || text == "" || strings.ContainsAny(text, "\"\\") || strings.TrimSpace(text) != text || typed(text) || text != markdown.Visible(text) {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			text = fmt.Sprint(v)
		} else {
			text = strings.TrimSpace(b.String())
		}
	}
	text = markdown.Visible(text)
	if runes := []rune(text); len(runes) > maxRunes {
		return string(runes[:maxRunes]) + fmt.Sprintf("… (%d characters)", len(runes))
	}
	return text
}

// typed reports a string that would read as a number or a boolean without its
// quotes.
func typed(s string) bool {
	var v any
	return json.Unmarshal([]byte(s), &v) == nil
}

// live is the live side of a difference.
func live(f drift.Field) string {
	if f.Live == nil {
		return "(absent)"
	}
	return Value(f.Live)
}

func desired(f drift.Field) string {
	if f.Desired == nil {
		return "(not in Git)"
	}
	return Value(f.Desired)
}

// fate is what a sync does about an object as a whole; empty where it does
// nothing to it.
func fate(o drift.Object) string {
	switch o.State {
	case drift.Missing:
		if by := By(o.Audit); by != "" {
			return "in Git, deleted " + by + ": a sync creates it"
		}
		return "in Git, not live: a sync creates it"
	case drift.Extra:
		return "live, not in Git: a sync with prune deletes it"
	case drift.Orphaned:
		return "live, tracked by nobody: no sync touches it"
	case drift.Unknown:
		return strings.TrimSuffix("could not be compared: "+markdown.Visible(o.Reason), ": ")
	case drift.Modified:
		if len(o.Fields) == 0 {
			return markdown.Visible(o.Reason)
		}
	case drift.InSync:
	}
	return ""
}

// fateOf is fate with where the object is described, as far as that is known.
func fateOf(o drift.Object) string {
	text := fate(o)
	if by := blamed(o.Declared); text != "" && by != "" {
		text += "; " + by
	}
	return text
}

// sentence tells one difference of an object in a line.
func sentence(o drift.Object, f drift.Field) string {
	git := "not in Git"
	if f.Desired != nil {
		git = Value(f.Desired) + " in Git"
	}
	text := fmt.Sprintf("%s %s: %s, %s live, %s", markdown.Visible(o.Key().Short()), markdown.Visible(f.Path), git, live(f), byHand(f))
	switch f.Class {
	case drift.Expected:
		text += " (expected: " + markdown.Visible(f.Rule) + ")"
	case drift.Removed:
		text += " (dropped from Git)"
	case drift.Undeclared:
		text += " (a sync leaves it)"
	case drift.Declared:
	}
	if by := blamed(f.Declared); by != "" {
		text += "; " + by
	}
	return text
}

// place is the file and the line of an origin such as apps/web.yaml:31; the
// line is 0 where it is not known.
func place(origin string) (file string, line int) {
	if i := strings.LastIndexByte(origin, ':'); i > 0 {
		if n, err := strconv.Atoi(origin[i+1:]); err == nil && n > 0 {
			return origin[:i], n
		}
	}
	return origin, 0
}
