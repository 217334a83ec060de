package trial

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/reads"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/fence"
	"github.com/trueup-dev/trueup/preview/found"
	"github.com/trueup-dev/trueup/reconcile"
)

// Roots are the applications that a trial begins with.
type Roots struct {
	// Paths are files and folders of the repository that are searched for
	// documents of Applications and ApplicationSets, on both sides. "." is all.
	Paths []string
	// Given are documents from elsewhere: the same on both sides.
	Given document.Documents
	// Live says that Given is what a cluster has: documents of the repository take
	// the place of what they describe there, and of others only those count that
	// the change adds. Those without a namespace are in Home. Others are what the
	// cluster has beside: they count where the repository describes them.
	Live   bool
	Home   string
	Others document.Documents
	// Strict has documents that cannot be read be problems. Where all of a
	// repository is searched they are warnings: templates are no YAML.
	Strict bool
}

// described is applications and sets that were found, with their origins.
type described struct {
	apps []unit
	sets []set
}

type set struct {
	set v1alpha1.ApplicationSet
	found.Source
	maybe bool // as those of units
	stays string
}

// doubt: base may have all of it as well.
func (d *described) doubt() {
	for i := range d.apps {
		d.apps[i].maybe = true
	}
	for i := range d.sets {
		d.sets[i].maybe = true
	}
}

func (d *described) add(o described) {
	d.apps = append(d.apps, o.apps...)
	d.sets = append(d.sets, o.sets...)
}

func (d *described) documents(docs document.Documents, file string) {
	for i := range docs.Applications {
		d.apps = append(d.apps, unit{app: docs.Applications[i], origin: docs.AppPlace(i), file: file})
	}
	for i := range docs.ApplicationSets {
		at := func(field string) string { return docs.SetPlace(i, field) }
		d.sets = append(d.sets, set{set: docs.ApplicationSets[i], Source: found.Source{File: file, At: at}})
	}
}

// ErrNothing: there is nothing to preview.
var ErrNothing = fault.New(fault.Invalid, "no Application or ApplicationSet was found")

// roots0 finds the applications to begin with.
func (r *run) roots0(ctx context.Context) ([]pair, error) {
	base, head := &described{}, &described{}
	if !r.roots.Live {
		base.documents(r.roots.Given, "")
		head.documents(r.roots.Given, "")
	}
	if len(r.roots.Paths) > 0 {
		was, err := searchIn(ctx, r.base.tree.FS, r.roots.Paths)
		if err != nil {
			return nil, fmt.Errorf("look for applications in %s: %w", r.change.Base.Commit.Short(), err)
		}
		is, err := searchIn(ctx, r.head.tree.FS, r.roots.Paths)
		if err != nil {
			return nil, fmt.Errorf("look for applications in the merge: %w", err)
		}
		for _, name := range was.missing {
			if slices.Contains(is.missing, name) {
				return nil, fault.New(fault.Missing, "look for applications in %s: it is there neither on base nor in the merge", name)
			}
		}
		r.broken(was, is)
		r.unknown(was, is)
		base.add(was.found)
		head.add(is.found)
	}
	if r.roots.Live {
		r.settle(base, head)
	}
	pairs := r.pairs(ctx, base, head)
	if len(pairs) == 0 {
		pairs = r.lately(ctx)
	}
	if len(pairs) == 0 && !r.found.Any() && !r.roots.Live {
		return nil, ErrNothing
	}
	return pairs, nil
}

// expand adds to both sides what their sets expand to. A set that is the same
// on both, and whose questions have the same answers, is expanded once.
func (r *run) expand(ctx context.Context, base, head *described) (before, after []unit) {
	type name struct{ namespace, name string }
	expanded := map[name]expansion{}
	before = slices.Clone(base.apps)
	next := map[name]*v1alpha1.ApplicationSet{}
	for i := range head.sets {
		s := &head.sets[i].set
		next[name{s.Namespace, s.Name}] = s
	}
	for _, s := range base.sets {
		e := r.expandBase(ctx, s)
		stays := r.stay(s, next[name{s.set.Namespace, s.set.Name}])
		for i := range e.units {
			e.units[i].stays = stays
		}
		expanded[name{s.set.Namespace, s.set.Name}] = e
		before = append(before, e.units...)
	}
	after = slices.Clone(head.apps)
	also := map[name]bool{}
	for _, s := range head.sets {
		also[name{s.set.Namespace, s.set.Name}] = true
		old, known := expanded[name{s.set.Namespace, s.set.Name}]
		e, world := old, r.head.world
		if r.Guard.closes() {
			world = r.head.closedWorld(old.may, r.Guard)
		}
		if !known || old.err != nil || !sameSet(old.from.set, s.set) || old.reads.Changed(ctx, world, reads.Trees) != "" {
			e = expandSet(ctx, s, world)
		}
		if e.err != nil {
			r.found.Unexpanded(s.Source, s.set.Name, e.err, preview.Problem{Before: known && old.err != nil})
			// What it would be is not known: what it was is not gone either.
			after = append(after, old.units...)
		} else if old.err != nil {
			r.found.Unexpanded(old.from.Source, s.set.Name, old.err, preview.Problem{Only: true})
		}
		if s.maybe || old.err != nil {
			for i := range e.units {
				e.units[i].maybe = true
			}
		}
		for _, w := range e.warnings {
			r.found.Warning(w)
		}
		r.freeze(s, e.units, old.units)
		after = append(append(after, e.units...), slices.DeleteFunc(slices.Clone(old.units), e.goes)...)
	}
	for _, s := range base.sets {
		id := name{s.set.Namespace, s.set.Name}
		if e := expanded[id]; e.err != nil && !also[id] {
			r.found.Unexpanded(s.Source, s.set.Name, e.err, preview.Problem{Before: true}) // what goes with it is not known
		}
	}
	return before, after
}

// stay says why the applications of a set stay where head gives them no more;
// empty where they go. Without a set they go with it.
func (r *run) stay(s set, head *v1alpha1.ApplicationSet) string {
	if head == nil {
		return s.stays
	}
	if why := r.Sets.Keeps(head); why != "" {
		return "its set deletes none: " + why
	}
	return ""
}

// freeze has applications stay as base has them where their set updates none.
func (r *run) freeze(s set, units, before []unit) {
	why := r.Sets.Freezes(&s.set)
	if why == "" {
		return
	}
	was := map[string]*unit{}
	for i := range before {
		was[before[i].app.Name] = &before[i]
	}
	n := 0
	for i := range units {
		if old := was[units[i].app.Name]; old != nil && !same(old.app, units[i].app) {
			units[i].app = old.app
			n++
		}
	}
	if n > 0 {
		r.found.Warning(s.Says("spec.template", fmt.Sprintf("ApplicationSet %s: what changes of %d of its applications has no effect, for it updates none: %s", s.set.Name, n, why)))
	}
}

// expansion is what a set gave.
type expansion struct {
	from     set
	units    []unit
	warnings []string
	reads    reads.Reads
	err      error
	may      fence.Readable // what it opened, where that bounds the other side
	goes     func(before unit) bool
}

// expandBase expands a set as base has it.
func (r *run) expandBase(ctx context.Context, s set) expansion {
	if !r.Guard.closes() || r.base.repositories == nil {
		return expandSet(ctx, s, r.base.world)
	}
	world, notes := r.base.world, &noting{redirected: r.base.repositories, traced: map[snapshot.Location]*snapshot.Tracer{}}
	world.Repositories = notes
	out := expandSet(ctx, s, world)
	out.may = notes.read()
	return out
}

func expandSet(ctx context.Context, s set, world appset.World) expansion {
	traced, recorder := reads.Trace(world)
	out := expansion{from: s}
	result, err := appset.Generate(ctx, &s.set, traced)
	stays := lifecycle.Protected(result)
	out.goes = func(before unit) bool { return !stays(before.app.Name) }
	if out.err = errors.Join(err, lifecycle.CheckSettings(&s.set)); out.err != nil {
		return out
	}
	out.reads = recorder.Reads()
	name := "ApplicationSet " + s.set.Name
	for i, app := range result.Applications {
		app.Namespace = cmp.Or(app.Namespace, s.set.Namespace)
		generator := result.Explained[i].Origin.Generator
		out.units = append(out.units, unit{app: app, origin: s.Origin("spec."+generator, generator+" of "+name), by: name})
	}
	for _, rejected := range result.Rejected {
		out.warnings = append(out.warnings, s.Says("spec."+rejected.Generator, fmt.Sprintf("%s: %s is rejected: %v", name, cmp.Or(rejected.Name, "an application"), rejected.Err)))
	}
	for _, w := range result.Warnings {
		field, _, _ := strings.Cut(w, ": ")
		out.warnings = append(out.warnings, s.Says("spec."+field, name+": "+w))
	}
	return out
}

func sameSet(a, b v1alpha1.ApplicationSet) bool {
	x, errX := json.Marshal(a.Spec)
	y, errY := json.Marshal(b.Spec)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// warn takes in what rendering had to say.
func (r *run) warn(u *unit, d *reconcile.Desired) {
	if d == nil {
		return
	}
	for _, w := range d.Warnings {
		r.found.Warning("application " + u.app.Name + ": " + w)
	}
	for _, field := range v1alpha1.Unsupported(&u.app) {
		r.found.Warning("application " + u.app.Name + ": " + field + " is not supported and has no effect")
	}
}

// nestedIn finds applications and sets among what an application describes.
// Stays, where not nil, says why one is not deleted that is described no more.
func (r *run) nestedIn(d *reconcile.Desired, by *unit, stays func(*unstructured.Unstructured) string) described {
	var out described
	if d == nil {
		return out
	}
	for _, u := range d.Objects {
		group, kind := u.GroupVersionKind().Group, u.GetKind()
		if group != "argoproj.io" && group != v1alpha1.GroupVersion().Group || kind != "Application" && kind != "ApplicationSet" {
			continue
		}
		data, err := u.MarshalJSON()
		if err != nil {
			continue // it came from text
		}
		parent := "application " + by.app.Name
		from := found.Source{By: "by " + parent, At: func(string) string { return d.Origins[object.KeyOf(u)] }}
		docs, err := document.Decode(data, parent)
		if err != nil {
			// Its place is in what was rendered, on one line.
			why := strings.ReplaceAll(err.Error(), parent+":1: read a document: ", "")
			r.found.Problem(preview.Problem{Message: from.Says("", fmt.Sprintf("%s describes the %s %s: %s", parent, kind, u.GetName(), why))})
		}
		why := ""
		if stays != nil {
			why = stays(u)
		}
		for _, app := range docs.Applications {
			out.apps = append(out.apps, unit{app: app, origin: from.Origin("", ""), by: parent, stays: why})
		}
		for _, s := range docs.ApplicationSets {
			out.sets = append(out.sets, set{set: s, Source: from, stays: why})
		}
	}
	return out
}
