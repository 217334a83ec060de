package trial

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/found"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/preview/sides"
	"github.com/trueup-dev/trueup/reconcile"
)

// Change is what is to be merged.
type Change struct {
	// URLs are those by which sources name the repository.
	URLs []string
	// Branch is where the change is to go. Default tells that it is the
	// repository's default one, which sources without a revision follow.
	Branch  string
	Default bool
	// Base is the end of the branch, Merged what it will be. Head is the
	// commit of the change.
	Base, Merged snapshot.Tree
	Head         string
	// Conflicts are files that do not merge; the change's version is shown.
	Conflicts []string
}

// Trial is all that it takes to try changes. It may be used by several
// goroutines.
type Trial struct {
	// Flow renders; its sources are those of every other repository.
	Flow reconcile.Flow
	// World is what generators may ask.
	World   appset.World
	Schemas drift.Schemas
	MaskKey []byte
	// Risks say what is risky; nil is the built-in rules.
	Risks *risk.Set
	// Sets is what an agent decides for all sets.
	Sets lifecycle.Agent
	// Guard says how far the change is trusted.
	Guard Guard
	// Policies judge the change; nil is none.
	Policies *Policies
	// Parallel bounds the applications rendered at once; 0 is 4.
	Parallel int
	// Most bounds the applications; 0 is 20,000.
	Most int
	Now  func() time.Time
}

const (
	defaultParallel = 4
	defaultMost     = 20_000
	// maxDepth bounds applications that describe applications.
	maxDepth = 10
)

// Tried is a report with what it was made of: the applications that the change
// may touch, on both sides, with their objects. Secrets in them are not masked.
type Tried struct {
	Report     preview.Report
	Base, Head []preview.Side
}

// Run is Try for the report alone.
func (t Trial) Run(ctx context.Context, c Change, roots Roots) (preview.Report, error) {
	tried, err := t.Try(ctx, c, roots)
	return tried.Report, err
}

// Try tries a change. What fails of single applications, sets and documents is
// in the report; the error is about the change as a whole.
func (t Trial) Try(ctx context.Context, c Change, roots Roots) (Tried, error) {
	t.Parallel, t.Most = cmp.Or(t.Parallel, defaultParallel), cmp.Or(t.Most, defaultMost)
	if t.Now == nil {
		t.Now = time.Now
	}
	began := t.Now()
	t, c, err := t.guard(c)
	if err != nil {
		return Tried{}, err
	}
	if !t.Guard.Untrusted {
		return t.run(ctx, c, roots, began)
	}
	limit := t.Guard.Time
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fault.New(fault.Invalid, "it takes longer than %s", limit))
	defer cancel()
	tried, err := t.run(ctx, c, roots, began)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return tried, err
}

func (t Trial) run(ctx context.Context, c Change, roots Roots, began time.Time) (Tried, error) {
	r := &run{
		Trial: t, roots: roots, change: c, found: &found.Findings{},
		base: t.side(c, c.Base), head: t.side(c, c.Merged), visited: map[id]bool{}, deepest: maxDepth,
		declared: &declarations{all: map[string][]policy.Declared{}},
	}
	if t.Guard.Untrusted {
		r.deepest = t.Guard.Depth
		r.found.Warning(limited)
	}
	r.names, r.hands, r.tracked = sides.Names(ctx, t.World.Clusters), [2]sides.Hands{{}, {}}, sides.Tracked{}
	level, err := r.roots0(ctx)
	if err != nil {
		return Tried{}, err
	}
	for depth := 0; len(level) > 0; depth++ {
		if depth == r.deepest {
			r.found.Problem(preview.Problem{Message: fmt.Sprintf("applications describe applications more than %d deep", r.deepest)})
			break
		}
		if len(r.visited) > t.Most {
			return Tried{}, fault.New(fault.Invalid, "there are more than %d applications", t.Most)
		}
		if level, err = r.level(ctx, level); err != nil {
			return Tried{}, err
		}
	}
	r.handOver(ctx)
	judges, err := r.policies(ctx)
	if err != nil {
		return Tried{}, err
	}
	report := preview.Compare(preview.Input{Base: r.before, Head: r.after, Schemas: t.Schemas, MaskKey: t.MaskKey, Risks: t.Risks, Policies: judges, Tracked: r.tracked})
	if err := ctx.Err(); err != nil {
		return Tried{}, err // what policies would have said is not known
	}
	for _, w := range report.Warnings {
		r.found.Warning(w)
	}
	report.Base, report.Head = c.Base.Commit.SHA, c.Head
	if c.Merged.Commit.SHA != c.Head {
		report.Merge = c.Merged.Commit.SHA
	}
	renamed := report.Renamed() // one application each, under two names
	report.Total, report.Rendered, report.Untrusted = len(r.visited)-renamed, r.rendered-renamed, t.Guard.Untrusted
	r.tooMany()
	r.unread()
	for _, path := range c.Conflicts {
		r.found.Problem(preview.Problem{Message: path + " changed on both sides in ways that do not merge: what is shown is the change's own version"})
	}
	report.Problems, report.Warnings = r.found.Sorted()
	report.Seconds = t.Now().Sub(began).Seconds()
	return Tried{report, r.before, r.after}, nil
}

// id names an application.
type id = sides.ID

// unit is an application as one side describes it.
type unit struct {
	app v1alpha1.Application
	// origin is for people, file the one of the repository that was searched.
	origin, file string
	// maybe: of head, base may have it as well, which is not known.
	maybe bool
	// by is who describes it beside a file, and stays why that one does not delete
	// what it describes no more.
	by, stays string
}

// pair is an application on both sides; nil is that a side has none.
type pair struct {
	id         id
	base, head *unit
}

// keeps says why an application leaves alone what base describes and head does
// not; empty where it deletes that.
func (p pair) keeps(u *unstructured.Unstructured) string {
	side := func(u *unit) *preview.Side {
		if u == nil {
			return nil
		}
		return &preview.Side{Namespace: u.app.Namespace, Name: u.app.Name, Spec: asMap(u.app.Spec), Finalizers: sides.Cascading(u.app.Finalizers), Stays: u.stays}
	}
	return preview.Keeps(side(p.base), side(p.head), u)
}

// run is one trial.
type run struct {
	Trial
	roots      Roots
	change     Change
	base, head sided
	found      *found.Findings
	declared   *declarations
	// late is what the change adds that nothing else may describe.
	late described
	// foreign are applications of the cluster that do not concern the repository.
	foreign map[id]bool

	names map[string]string // of clusters, by server
	hands [2]sides.Hands    // of base and head

	mu            sync.Mutex
	tracked       sides.Tracked
	calm          []pair // what was rendered on one side alone, for both are the same
	visited       map[id]bool
	before, after []preview.Side
	rendered      int
	held          int64 // bytes of objects, where they are bounded
	added, left   int   // applications that base does not have, and those of them not looked at
	deepest       int
}

// level renders applications, and returns those that they describe.
func (r *run) level(ctx context.Context, pairs []pair) ([]pair, error) {
	nested := make([]nested, len(pairs))
	var all errgroup.Group
	all.SetLimit(r.Parallel)
	for i, p := range pairs {
		all.Go(func() error {
			if ctx.Err() == nil {
				nested[i] = r.one(ctx, p)
			}
			return nil // an application that fails is part of the report
		})
	}
	_ = all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	base, head := &described{}, &described{}
	for _, n := range nested {
		base.add(n.base)
		head.add(n.head)
	}
	next := r.pairs(ctx, base, head)
	if len(next) == 0 {
		next = r.lately(ctx)
	}
	return next, nil
}

// nested is what an application describes that is an application itself, or a
// set of them.
type nested struct{ base, head described }

// one renders an application on both sides, or on one where the other must be
// the same.
func (r *run) one(ctx context.Context, p pair) nested {
	var out nested
	var before *reconcile.Desired
	var errBefore error
	if p.base != nil {
		before, errBefore = desire(ctx, r.base.flow, &p.base.app)
		out.base = r.nestedIn(before, p.base, p.keeps)
		r.declared.note(r.Policies, r.cluster(ctx, p.base), before)
		r.track(ctx, p, before)
	}
	head := r.head.flow
	if r.Guard.closes() {
		head = r.head.reading(opened(before), r.Guard)
	}
	if p.base != nil && p.head != nil && errBefore == nil && same(p.base.app, p.head.app) && !head.TouchedSince(ctx, before) {
		r.mu.Lock()
		r.calm = append(r.calm, p)
		r.mu.Unlock()
		out.head = out.base
		return out
	}
	var after *reconcile.Desired
	var errAfter error
	if p.head != nil {
		after, errAfter = desire(ctx, head, &p.head.app)
		if out.head = r.nestedIn(after, p.head, nil); errAfter != nil {
			out.head = out.base // what it would describe is not known, what it did is not gone either
		} else if errBefore != nil {
			out.head.doubt()
		}
		r.warn(p.head, after)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rendered++
	if errAfter == nil && after != nil {
		errAfter = r.hold(after)
	}
	if p.base != nil {
		r.before = append(r.before, r.sideOf(ctx, p.base, before, errBefore))
	}
	if p.head != nil {
		r.after = append(r.after, r.sideOf(ctx, p.head, after, errAfter))
	}
	return out
}

func (r *run) sideOf(ctx context.Context, u *unit, d *reconcile.Desired, err error) preview.Side {
	to := u.app.Spec.Destination
	s := preview.Side{
		Namespace: u.app.Namespace, Name: u.app.Name, Cluster: r.cluster(ctx, u), Home: to.Namespace,
		Spec: asMap(u.app.Spec), Origin: u.origin, Err: err, Maybe: u.maybe, Stays: u.stays,
	}
	s.Finalizers = sides.Cascading(u.app.Finalizers)
	if d != nil && err == nil {
		s.Objects, s.Origins, s.Remotes = d.Objects, d.Origins, r.remotes(d)
	}
	return s
}

func asMap(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out map[string]any
	_ = json.Unmarshal(data, &out) // it was just written
	return out
}

// same reports applications of which nothing changes that a preview tells.
func same(a, b v1alpha1.Application) bool {
	if (len(sides.Cascading(a.Finalizers)) > 0) != (len(sides.Cascading(b.Finalizers)) > 0) {
		return false
	}
	x, errX := json.Marshal(a.Spec)
	y, errY := json.Marshal(b.Spec)
	return errX == nil && errY == nil && string(x) == string(y)
}

// pairs matches what both sides describe by name, without what was looked at
// already.
func (r *run) pairs(ctx context.Context, base, head *described) []pair {
	before, after := r.expand(ctx, base, head)
	all := map[id]*pair{}
	at := func(u *unit) *pair {
		key := id{Namespace: u.app.Namespace, Name: u.app.Name}
		if all[key] == nil {
			all[key] = &pair{id: key}
		}
		return all[key]
	}
	for i := range before {
		r.hands[0].Note(id{Namespace: before[i].app.Namespace, Name: before[i].app.Name}, before[i].by, before[i].stays)
		if p := at(&before[i]); p.base == nil {
			p.base = &before[i]
		}
	}
	for i := range after {
		p := at(&after[i])
		r.hands[1].Note(p.id, after[i].by, "")
		if p.head != nil {
			text := fmt.Sprintf("application %s is described already, and what is here counts for nothing", p.head.app.Name)
			if p.head.origin != "" {
				text += ": see " + p.head.origin
			}
			r.found.Warning(found.Placed(after[i].origin, text))
			continue
		}
		p.head = &after[i]
	}
	var out []pair
	for _, key := range slices.SortedFunc(maps.Keys(all), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	}) {
		if r.visited[key] {
			continue
		}
		if p := all[key]; p.base == nil && r.isForeign(key) {
			r.takes("application", key.Name, p.head.origin)
			continue
		}
		if all[key].base == nil && r.Guard.Untrusted {
			if r.added++; r.added > r.Guard.Added {
				r.left++
				continue
			}
		}
		r.visited[key] = true
		out = append(out, *all[key])
	}
	return out
}
