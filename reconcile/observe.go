package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/drift/ignore"
	"github.com/trueup-dev/trueup/drift/revert"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/health"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile/plan"
)

// View is what is desired and what is there: all that plans and statuses are
// made of.
type View struct {
	Desired *Desired
	cluster *Cluster
	seen    map[object.Key]seen
	// unwatched are the kinds of which nothing tells what happens to them.
	unwatched map[schema.GroupKind]*Unwatched
}

// Observe looks at the live side of what is desired, and at what is tracked
// for the application beyond that. It reads only the objects whose verdict in
// mem does not count any more. One that cannot be read or compared is Unknown;
// the failure of all that was asked is an error.
func (f *Flow) Observe(ctx context.Context, app *v1alpha1.Application, d *Desired, c *Cluster, mem *Memory) (*View, error) {
	mem.connects(c)
	var err error
	if d.rules, err = f.rulesOf(ctx, app, mem); err != nil {
		return nil, err
	}
	d.left = mem.fights.stamps()
	hashes := make(map[object.Key]string, len(d.hashes))
	versions := make(map[object.Key]schema.GroupVersionKind, len(d.hashes))
	for _, u := range d.Objects {
		key := object.KeyOf(u)
		hashes[key], versions[key] = d.stamp(key), u.GroupVersionKind()
	}
	owned, err := c.Objects.Owned(ctx, f.ID(app), append(d.kinds(), inventory(ctx, app, c)...))
	blind, err := unwatched(err)
	if err != nil {
		mem.lose(err)
		return nil, fmt.Errorf("watch what %s consists of in cluster %s: %w", app.Name, c.Name, err)
	}
	for _, o := range owned {
		if _, ok := hashes[o.Key]; !ok {
			hashes[o.Key], versions[o.Key] = "", o.Key.GroupKind().WithVersion(o.Version)
		}
	}
	left := leftovers(app, blind, hashes)
	for key, gvk := range left {
		hashes[key], versions[key] = "", gvk
	}
	absent := f.absentNamespace(ctx, app, c, mem)
	mem.reread(blind)
	stale := mem.scaled(mem.stale(hashes), hashes, f.Now())
	// Nothing is in a namespace that is not there.
	worth := slices.DeleteFunc(slices.Clone(stale), func(key object.Key) bool {
		return absent != "" && key.Namespace == absent || d.vague[key] != nil
	})
	live, failed := f.fetch(ctx, c, worth, versions)
	if err := cmp.Or(ctx.Err(), failed.failure(worth, mem)); err != nil {
		mem.distrust(stale...)
		return nil, fmt.Errorf("read live objects from cluster %s: %w", c.Name, err)
	}
	maps.Copy(failed, d.vague)
	before := mem.before(stale)
	for key, err := range failed {
		mem.unknown(key, d.stamp(key), "it cannot be read: "+err.Error())
	}
	readable := slices.DeleteFunc(slices.Clone(stale), func(key object.Key) bool { return failed[key] != nil })
	judge{flow: f, cluster: c, desired: d, mem: mem}.all(ctx, f.mine(app, live, left), readable)
	mem.usurp(before, readable)
	mem.keep(hashes)
	v := &View{Desired: d, cluster: c, seen: mem.snapshot(), unwatched: blind}
	if len(stale) == len(hashes) && len(v.vague()) == 0 {
		mem.verify(f.Now())
	}
	return v, nil
}

// inventory lists the kinds that the status says the application has: of
// those that left Git nothing else tells. A kind that the cluster does not
// serve any more has no objects.
func inventory(ctx context.Context, app *v1alpha1.Application, c *Cluster) []schema.GroupVersionKind {
	var out []schema.GroupVersionKind
	for _, r := range app.Status.Resources {
		gvk := schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		if gvk.Version == "" || slices.Contains(out, gvk) {
			continue
		}
		if _, err := c.Kinds.Namespaced(ctx, gvk); fault.Of(err) == fault.Missing {
			continue
		}
		out = append(out, gvk)
	}
	return out
}

// absentNamespace finds out whether the destination namespace exists, where
// that makes a difference, and returns it if it does not. A failure shows
// when the objects are applied.
func (f *Flow) absentNamespace(ctx context.Context, app *v1alpha1.Application, c *Cluster, mem *Memory) string {
	name := app.Spec.Destination.Namespace
	if name == "" || mem.namespace == name || !createsNamespace(app) {
		return ""
	}
	gvk := schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	_, err := c.Objects.Get(ctx, gvk, object.Key{Kind: "Namespace", Name: name})
	switch {
	case err == nil:
		mem.namespace = name
	case fault.Of(err) == fault.Missing:
		return name
	}
	return ""
}

// parallelReads bounds the reads under way for one application.
const parallelReads = 8

// fetch reads objects; those that are not there are left out.
func (f *Flow) fetch(ctx context.Context, c *Cluster, keys []object.Key, versions map[object.Key]schema.GroupVersionKind) ([]*unstructured.Unstructured, unreadable) {
	found := make([]*unstructured.Unstructured, len(keys))
	failures := make([]error, len(keys))
	var all errgroup.Group
	all.SetLimit(parallelReads)
	for i, key := range keys {
		all.Go(func() error {
			u, err := c.Objects.Get(ctx, versions[key], key)
			switch {
			case err == nil:
				found[i] = u
			case fault.Of(err) != fault.Missing:
				failures[i] = err
			}
			return nil // every failure is told, not only the first
		})
	}
	_ = all.Wait()
	failed := unreadable{}
	for i, err := range failures {
		if err != nil {
			failed[keys[i]] = err
		}
	}
	return slices.DeleteFunc(found, func(u *unstructured.Unstructured) bool { return u == nil }), failed
}

// judge compares and remembers.
type judge struct {
	flow    *Flow
	cluster *Cluster
	desired *Desired
	mem     *Memory
	// applied: what is live was applied just now, and is as the cluster
	// returned it.
	applied bool
}

// pair is both sides of one object; either may be nil.
type pair struct{ want, live *unstructured.Unstructured }

// all judges the objects of keys, of which live holds those that are there.
func (j judge) all(ctx context.Context, live []*unstructured.Unstructured, keys []object.Key) {
	f, c, d, mem := j.flow, j.cluster, j.desired, j.mem
	if len(keys) == 0 {
		return
	}
	if f.Compared != nil {
		f.Compared(c.Name, len(keys))
	}
	wanted := map[object.Key]bool{}
	for _, key := range keys {
		wanted[key] = true
	}
	var desired []*unstructured.Unstructured
	for _, u := range d.Objects {
		if wanted[object.KeyOf(u)] {
			desired = append(desired, u)
		}
	}
	in := drift.Input{Desired: desired, Live: live, Schemas: c.Schemas, MaskKey: f.MaskKey, Rules: d.rules.set, Around: mem.scalers(wanted)}
	report := drift.Compare(in)
	more, asked, failed := scalersOf(ctx, c, report)
	if asked {
		mem.scalersAt = f.Now()
	}
	if len(more) > 0 {
		in.Around = append(in.Around, more...)
		report = drift.Compare(in)
	}
	byKey, wants := object.Index(live), object.Index(desired)
	judged := map[object.Key]bool{}
	for _, verdict := range report.Objects {
		key := verdict.Key()
		judged[key] = true
		if err := failed[key.Namespace]; err != nil && mayBeScaled(verdict) {
			verdict = drift.NotCompared(key, err.Error())
		}
		j.remembered(ctx, in, verdict, pair{wants[key], byKey[key]})
	}
	// What was tracked and is neither desired nor there any more.
	var gone []object.Key
	for _, key := range keys {
		if !judged[key] {
			gone = append(gone, key)
		}
	}
	mem.forget(gone)
}

// others reports an object that another application tracks. No watch tells this
// one when that changes.
func (p pair) others() bool {
	if p.want == nil || p.live == nil {
		return false
	}
	mine, tracks := object.OwnerOf(p.want)
	owner, tracked := object.OwnerOf(p.live)
	return tracks && tracked && owner != mine
}

// remember stores a verdict, with what is to be applied in the desired
// object's place.
func (j judge) remember(verdict drift.Object, again bool, of pair) {
	s := seen{desired: j.desired.stamp(verdict.Key()), again: again || of.others(), verdict: verdict, apply: j.toApply(verdict, of), at: j.flow.Now()}
	j.mem.remember(s, of.live)
}

// toApply takes the desired object's place in a sync, where some live values
// are left alone; nil where none are.
func (j judge) toApply(verdict drift.Object, of pair) *unstructured.Unstructured {
	apply, _ := revert.Apply(of.want, of.live, verdict, j.leaves(verdict))
	if apply == of.want {
		return nil
	}
	return apply
}

// leaves says what of an object a sync leaves alone.
func (j judge) leaves(verdict drift.Object) func(drift.Field) revert.Leave {
	return func(f drift.Field) revert.Leave {
		users := slices.ContainsFunc(verdict.Rules, func(h ignore.Hit) bool { return h.Rule == f.Rule })
		if f.ToSync() && j.mem.fights.on[place{verdict.Key(), f.Path}] {
			return revert.Untouched
		}
		return leave(f, users, j.desired.rules.respected)
	}
}

// input is what a plan is made of.
func (v *View) input(id string, p plan.Policy, mem *Memory) plan.Input {
	in := plan.Input{App: id, Revision: v.Desired.Commit.SHA, Desired: v.toApply(), Origins: v.Desired.Origins, Policy: p, Health: map[object.Key]health.Result{}}
	for _, key := range v.keys() {
		s := v.seen[key]
		in.Report.Objects = append(in.Report.Objects, s.verdict)
		if s.live == nil {
			continue
		}
		in.Live = append(in.Live, s.live)
		in.Health[key] = s.health
		if s.desired == "" {
			in.Inventory = append(in.Inventory, key)
		}
	}
	if mem.namespace != "" && mem.namespace == p.Namespace {
		ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		ns.SetName(p.Namespace)
		ns.SetLabels(p.NamespaceLabels)
		ns.SetAnnotations(p.NamespaceAnnotations)
		if _, ok := v.seen[object.KeyOf(ns)]; !ok {
			in.Live = append(in.Live, ns)
		}
	}
	return in
}

// keys lists what was seen, in the order of reports.
func (v *View) keys() []object.Key {
	out := make([]object.Key, 0, len(v.seen))
	for key := range v.seen {
		out = append(out, key)
	}
	slices.SortFunc(out, object.Key.Compare)
	return out
}

// Drift is one difference that somebody else made.
type Drift struct {
	Key   object.Key
	State drift.State
	// Field is nil where the object as a whole is gone.
	Field *drift.Field
	// Audit are those one of whom made it, as audit events tell.
	Audit []audit.Actor

	// window is when it was made; ours says that the field was ours before.
	window *window
	ours   bool
}

func (d Drift) path() string {
	if d.Field == nil {
		return ""
	}
	return d.Field.Path
}

// Drift lists what somebody else changed. A difference that comes from Git
// having moved on is not drift: the live value is still the one we applied.
// While pending, with a commit that was not synced yet, a value that nobody
// owns is taken for one of these.
func (v *View) Drift(previous v1alpha1.ApplicationStatus, pending bool) []Drift {
	was := wasLive(previous)
	var out []Drift
	for _, key := range v.keys() {
		s := v.seen[key]
		if s.desired == "" {
			continue
		}
		if s.verdict.State == drift.Missing && was[key] {
			out = append(out, Drift{Key: key, State: drift.Missing})
		}
		if s.verdict.State == drift.Missing {
			continue
		}
		for _, field := range s.verdict.Fields {
			ours := s.usurped.ours(field) || field.Manager == "" && pending
			if field.Class != drift.Expected && !ours {
				out = append(out, Drift{Key: key, State: s.verdict.State, Field: &field})
			}
		}
	}
	return out
}

// wasLive lists what the last status says was there, or was missed already.
func wasLive(status v1alpha1.ApplicationStatus) map[object.Key]bool {
	out := map[object.Key]bool{}
	for _, r := range status.Resources {
		if r.Health != string(health.Missing) {
			out[resourceKey(r)] = true
		}
	}
	if status.Drift != nil {
		for _, c := range status.Drift.Changes {
			if c.Path == "" {
				out[changeKey(c)] = true
			}
		}
	}
	return out
}

func resourceKey(r v1alpha1.ResourceStatus) object.Key {
	return object.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func changeKey(c v1alpha1.DriftChange) object.Key {
	return object.Key{Group: c.Group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
}
