package trial

import (
	"cmp"
	"context"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/found"
)

// settle puts together what a cluster has and what the repository describes.
// A document of the repository takes the place of what the cluster has under
// its name. Of the others only those count that the change adds, in the end:
// what base describes and the cluster lacks is somebody else's, such as an
// example, or another agent's. What the cluster has beside is no base of what
// only the change describes: whoever writes a document with the name of an
// application would else read what that one is rendered from.
func (r *run) settle(base, head *described) {
	var given, others described
	given.documents(r.roots.Given, "")
	others.documents(r.roots.Others, "")
	base.in(r.roots.Home)
	head.in(r.roots.Home)
	app := func(u unit) id { return id{u.app.Namespace, u.app.Name} }
	r.foreign = map[id]bool{}
	for _, u := range others.apps {
		r.foreign[app(u)] = true
	}
	var taken []unit
	var takenSets []set
	base.apps, head.apps, r.late.apps, taken = settled(r.Guard.Untrusted, all[unit]{given.apps, others.apps, base.apps, head.apps}, app)
	// That a set uses the repository may be a guess, so that a name claims none.
	named := func(s set) id { return id{s.set.Namespace, s.set.Name} }
	base.sets, head.sets, r.late.sets, takenSets = settled(true, all[set]{given.sets, others.sets, base.sets, head.sets}, named)
	for _, u := range taken {
		r.takes("application", u.app.Name, u.origin)
	}
	for _, s := range takenSets {
		r.takes("application set", s.set.Name, s.Origin("", ""))
	}
}

// takes tells of a document that is left out, for the cluster has another one of
// its name.
func (r *run) takes(kind, name, origin string) {
	r.found.Problem(preview.Problem{Message: found.Placed(origin, kind+" "+name+" is not previewed: the cluster has one of this name that does not come from this repository")})
}

// isForeign tells whether the cluster has an application of a name that does not
// concern the repository.
func (r *run) isForeign(key id) bool {
	key.namespace = cmp.Or(key.namespace, r.roots.Home)
	return r.foreign[key]
}

// lately gives what the change adds and nothing else described, once. What goes
// to a cluster that is not known here is left out, and told.
func (r *run) lately(ctx context.Context) []pair {
	late := r.late
	r.late = described{}
	var out []pair
	for _, p := range r.pairs(ctx, &described{}, &late) {
		if _, err := r.Flow.Clusters.Cluster(ctx, p.head.app.Spec.Destination); fault.Of(err) == fault.Missing {
			r.found.Warning(found.Placed(p.head.origin, "application "+p.head.app.Name+" is new, and not previewed here: "+err.Error()))
			continue
		}
		out = append(out, p)
	}
	return out
}

// cluster is what an application's destination is called: where the
// applications are those of a cluster, the name that it is registered under.
func (r *run) cluster(ctx context.Context, u *unit) string {
	to := u.app.Spec.Destination
	if r.roots.Live && to.Name == "" {
		if c, err := r.Flow.Clusters.Cluster(ctx, to); err == nil && c.Name != "" {
			return c.Name
		}
	}
	return cmp.Or(to.Name, to.Server)
}

// in gives documents without a namespace that of the agent.
func (d *described) in(home string) {
	for i := range d.apps {
		if d.apps[i].app.Namespace == "" {
			d.apps[i].app.Namespace = home
		}
	}
	for i := range d.sets {
		if d.sets[i].set.Namespace == "" {
			d.sets[i].set.Namespace = home
		}
	}
}

// all is what a cluster has that concerns the repository, what it has beside,
// and what the repository describes.
type all[T any] struct{ given, others, base, head []T }

// settled gives both sides, what the change adds, and what it describes under a
// name that it must not take: that of something beside, or where it is not
// trusted, of anything that base does not describe.
func settled[T any](untrusted bool, from all[T], name func(T) id) (before, after, late, taken []T) {
	names := func(list []T) map[id]bool {
		out := map[id]bool{}
		for _, one := range list {
			out[name(one)] = true
		}
		return out
	}
	concerned, beside, old, next := names(from.given), names(from.others), names(from.base), names(from.head)
	takes := func(n id) bool { return !old[n] && (beside[n] || untrusted && concerned[n]) }
	for _, b := range from.base {
		if n := name(b); concerned[n] || beside[n] {
			before = append(before, b)
		}
	}
	for _, h := range from.head {
		switch n := name(h); {
		case takes(n):
			taken = append(taken, h)
		case concerned[n] || beside[n]:
			after = append(after, h)
		case !old[n]:
			late = append(late, h)
		}
	}
	var kept []T
	for _, g := range from.given {
		switch n := name(g); {
		case old[n]: // and where head has it no more, it goes
		case next[n] && !takes(n):
			before = append(before, g)
		default:
			before, kept = append(before, g), append(kept, g)
		}
	}
	return before, append(kept, after...), late, taken // of two that make one application the first counts
}
