package preview

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/sides"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// Side is one application as one commit describes it.
type Side struct {
	Namespace, Name string
	// Cluster is what the destination is called.
	Cluster string
	// Home is the destination's own namespace.
	Home string
	// Spec is the application's own, as decoded JSON; changes of it are told.
	Spec map[string]any
	// Origin is where the application is described.
	Origin string
	// Maybe: of head, the other side may have it as well, which is not known.
	Maybe bool
	// Owner is who describes the application beside a file: a set or another
	// application, with its kind; empty where nobody is known to.
	Owner string
	// Stays is why nobody deletes the application where head does not describe it;
	// empty where it goes then.
	Stays string
	// Finalizers are those by which the objects are deleted with the application.
	Finalizers []string
	Objects    []*unstructured.Unstructured
	Origins    map[object.Key]string
	// Remotes are the places beyond the repository that the objects are made
	// from.
	Remotes []risk.Remote
	// Err is why the objects are not known.
	Err error
}

// Input is what there is to compare: the applications that the change may
// touch, on both sides.
type Input struct {
	Base, Head []Side
	// Schemas tell the structure of kinds; nil has it guessed.
	Schemas drift.Schemas
	// MaskKey keys the marks that stand for secret values.
	MaskKey []byte
	// Risks say what is risky; nil is risk.Default().
	Risks *risk.Set
	// Tracked are the objects that applications have on base, those that the
	// change does not touch too.
	Tracked sides.Tracked
	// Policies judge objects that change; nil knows none. Values of Secrets are
	// marks in what it is given.
	Policies func(policy.Subject) policy.Verdict
}

// Compare tells what changes. It is pure: what it returns shares no memory that
// anybody changes, and the same input gives the same report.
func Compare(in Input) Report {
	if in.Risks == nil {
		in.Risks = risk.Default()
	}
	c := comparer{in: in, sides: [2]map[sideID]*Side{bySide(in.Base), bySide(in.Head)}}
	base, head := maps.Clone(c.sides[0]), maps.Clone(c.sides[1])
	for id, h := range head {
		b, both := base[id]
		if !both {
			continue
		}
		c.pair(b, h)
		delete(base, id)
		delete(head, id)
	}
	for _, r := range renamed(base, head) {
		c.pair(base[r.from], head[r.to])
		delete(base, r.from)
		delete(head, r.to)
	}
	for _, h := range head {
		c.pair(nil, h)
	}
	for _, b := range base {
		c.pair(b, nil)
	}
	out := Report{APIVersion: APIVersion, Kind: Kind, Apps: c.apps, Risks: c.risks}
	slices.SortFunc(out.Apps, func(a, b App) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	out.Risks = risk.Sort(out.Risks)
	if len(c.standing) > 0 {
		out.Standing = risk.Sort(c.standing)
	}
	if len(c.unjudged) > 0 {
		slices.Sort(c.unjudged)
		c.unknown = append(c.unknown, "what was there before is not known, so that risks are not judged: "+few(c.unjudged))
	}
	slices.Sort(c.unknown)
	out.Warnings = slices.Compact(c.unknown)
	out.Sections = sections(out.Apps, c.homes)
	if out.Apps == nil {
		out.Apps = []App{}
	}
	return out
}

type sideID struct{ namespace, name string }

func bySide(sides []Side) map[sideID]*Side {
	out := make(map[sideID]*Side, len(sides))
	for i := range sides {
		out[sideID{sides[i].Namespace, sides[i].Name}] = &sides[i]
	}
	return out
}

// comparer collects what changes.
type comparer struct {
	in    Input
	sides [2]map[sideID]*Side
	apps  []App
	risks []risk.Finding
	// standing is violated on base already, unknown could not be evaluated there.
	standing []risk.Finding
	unknown  []string
	// unjudged are applications of which it is not known what they had.
	unjudged []string
	homes    map[string]string // of applications, by name
}

// pair compares one application with itself; nil is that a side has none.
func (c *comparer) pair(base, head *Side) {
	if base != nil && head != nil && base.Cluster != head.Cluster {
		// What is on one cluster goes away there, and comes anew on the other.
		left := *base
		left.Stays = MovedAway
		c.pair(&left, nil)
		c.pair(nil, head)
		c.apps[len(c.apps)-1].Settings = settings(base, head)
		return
	}
	shown := cmp.Or(head, base)
	app := App{Action: Same, Objects: []Object{}, Namespace: shown.Namespace, Name: shown.Name, Cluster: shown.Cluster, Origin: shown.Origin}
	switch {
	case base == nil && head.Maybe:
		app.Action = Unknown
	case base == nil:
		app.Action = Create
	case head == nil:
		app.Action = Delete
	case renames(base, head):
		app.Action, app.Was = Rename, base.Name
	}
	if app.Action == Rename || app.Action == Delete {
		app.Kept = base.Stays
	}
	if base != nil && head != nil {
		app.Settings = settings(base, head)
	}
	c.unpinned(&app, base, head)
	c.handedOver(&app, base, head)
	c.fill(&app, base, head)
	if app.Action == Same && len(app.Objects) > 0 {
		app.Action = Update
	}
	if app.Action == Same && app.Problem == nil && len(app.Settings) == 0 {
		return
	}
	if c.homes == nil {
		c.homes = map[string]string{}
	}
	c.homes[app.Namespace+"/"+app.Name] = shown.Home
	c.apps = append(c.apps, app)
}

// fill compares the objects, as far as they are known.
func (c *comparer) fill(app *App, base, head *Side) {
	switch app.Problem = problem(base, head); {
	case app.Problem == nil:
		app.Objects = c.objects(app, base, head)
	case app.Problem.Only:
		app.Objects = c.objects(app, nil, head)
	}
	if slices.ContainsFunc(app.Objects, func(o Object) bool { return o.Action == Unknown }) {
		c.unjudged = append(c.unjudged, app.Name)
	}
}

// unpinned finds places that the change adds or alters, and that nothing pins.
func (c *comparer) unpinned(app *App, base, head *Side) {
	if head == nil || head.Maybe || base != nil && base.Err != nil {
		return // what was there before is not known
	}
	for _, r := range head.Remotes {
		if base != nil && slices.Contains(base.Remotes, r) {
			continue
		}
		if why := r.Unpinned(); why != "" {
			c.ofApplication(app, risk.UnpinnedRule, why)
		}
	}
}

// problem says why an application cannot be compared.
func problem(base, head *Side) *Problem {
	switch {
	case head != nil && head.Err != nil:
		return &Problem{Message: head.Err.Error(), Before: base != nil && base.Err != nil}
	case base != nil && base.Err != nil && head != nil:
		return &Problem{Message: base.Err.Error(), Only: true}
	case base != nil && base.Err != nil:
		return &Problem{Message: base.Err.Error(), Before: true}
	}
	return nil
}

// objects compares the objects of one application.
func (c *comparer) objects(app *App, base, head *Side) []Object {
	before, after := index(base), index(head)
	moved := renamedObjects(before, after)
	report := drift.Between(drift.Manifests{Before: under(before, moved), After: slices.Collect(maps.Values(after)), Schemas: c.in.Schemas, MaskKey: c.in.MaskKey})
	was := map[object.Key]object.Key{}
	for from, to := range moved {
		was[to] = from
	}
	out := []Object{}
	for _, d := range report.Objects {
		key := d.Key()
		o := Object{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Fields: fieldsOf(d.Fields)}
		old := key
		if from, ok := was[key]; ok {
			old = from
		}
		switch {
		case d.State == drift.Missing:
			o.Action, o.Fields, o.Manifest = Create, nil, drift.Masked(after[key], c.in.MaskKey)
			if app.Problem != nil || app.Action == Unknown {
				o.Action = Unknown
			}
		case d.State == drift.Extra:
			o.Action, o.Fields, o.Manifest = Delete, nil, drift.Masked(before[key], c.in.MaskKey)
		case old != key:
			o.Action, o.Was = Rename, old.Name
		case len(o.Fields) == 0:
			continue
		default:
			o.Action = Update
		}
		if o.Action == Delete || o.Action == Rename {
			o.Kept = Keeps(base, head, before[old])
		}
		o.Origin = origin(base, head, old, key)
		out = append(out, o)
		if (o.Action == Create || o.Action == Rename) && plan.HookOf(after[key]) == "" {
			c.taken(app, base, head, key)
		}
		c.judge(app, o, before[old], after[key])
	}
	return out
}

func origin(base, head *Side, old, key object.Key) string {
	if head != nil && head.Origins[key] != "" {
		return head.Origins[key]
	}
	if base != nil {
		return base.Origins[old]
	}
	return ""
}

// judge asks what is risky about a change. Of what cannot be compared only
// policies are asked: rules would take all of it for new.
func (c *comparer) judge(app *App, o Object, before, after *unstructured.Unstructured) {
	change := risk.Change{Key: o.Key(), Deleted: o.Action == Delete || o.Action == Rename, Created: o.Action == Create || o.Action == Rename, Kept: o.Kept}
	if before != nil {
		change.Before = before.Object
	}
	if o.Action == Rename {
		change.Was = object.KeyOf(before)
	}
	if after != nil {
		change.After = after.Object
	}
	for _, f := range o.Fields {
		change.Paths = append(change.Paths, f.Path)
	}
	var found []risk.Finding
	if o.Action != Unknown {
		found = c.in.Risks.Judge(change)
	}
	for _, f := range found {
		f.Application, f.Cluster = app.Name, app.Cluster
		c.risks = append(c.risks, f)
	}
	if c.in.Policies != nil {
		c.hold(app, o, before, after, change.Paths)
	}
}

// hold holds a change against policies.
func (c *comparer) hold(app *App, o Object, before, after *unstructured.Unstructured, paths []string) {
	s := policy.Subject{
		Action: string(o.Action), Application: app.Name, Namespace: app.Namespace, Cluster: app.Cluster, Key: o.Key(), Paths: paths,
	}
	switch o.Action {
	case Rename:
		s.Action = string(Update)
		s.Paths = append(slices.Clone(paths), "metadata.name")
	case Unknown:
		s.Action = string(Create) // as far as can be told
	case Create, Update, Delete, Same:
	}
	if before != nil {
		s.Before = drift.Masked(before, c.in.MaskKey)
	}
	if after != nil {
		s.After = drift.Masked(after, c.in.MaskKey)
	}
	v := c.in.Policies(s)
	c.risks, c.standing, c.unknown = append(c.risks, v.New...), append(c.standing, v.Standing...), append(c.unknown, v.Unknown...)
}

// index drops what trueup adds to know its own: it names the application.
func index(side *Side) map[object.Key]*unstructured.Unstructured {
	if side == nil {
		return nil
	}
	out := make(map[object.Key]*unstructured.Unstructured, len(side.Objects))
	for _, u := range side.Objects {
		out[object.KeyOf(u)] = unmarked(u)
	}
	return out
}

// unmarked is an object without the marks of tracking; what it holds besides
// is shared.
func unmarked(u *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: maps.Clone(u.Object)}
	metadata, _ := u.Object["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	for field, mark := range map[string]string{"annotations": object.TrackingAnnotation, "labels": object.ManagedLabel} {
		values, _ := metadata[field].(map[string]any)
		if _, marked := values[mark]; !marked {
			continue
		}
		values = maps.Clone(values)
		delete(values, mark)
		metadata[field] = values
		if len(values) == 0 {
			delete(metadata, field)
		}
	}
	if metadata != nil {
		out.Object["metadata"] = metadata
	}
	return out
}

// under gives the objects of before, those that were renamed under their new
// names.
func under(before map[object.Key]*unstructured.Unstructured, moved map[object.Key]object.Key) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(before))
	for key, u := range before {
		if to, ok := moved[key]; ok {
			u = u.DeepCopy()
			u.SetName(to.Name)
		}
		out = append(out, u)
	}
	return out
}
