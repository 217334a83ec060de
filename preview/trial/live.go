package trial

import (
	"cmp"
	"context"
	"slices"

	"github.com/trueup-dev/trueup/internal/fault"
)

// settle puts together what a cluster has and what the repository describes.
// A document of the repository takes the place of what the cluster has under
// its name. Of the others only those count that the change adds, in the end:
// what base describes and the cluster lacks is somebody else's, such as an
// example, or another agent's.
func (r *run) settle(base, head *described) {
	var given, others described
	given.documents(r.roots.Given, "")
	others.documents(r.roots.Others, "")
	base.in(r.roots.Home)
	head.in(r.roots.Home)
	app := func(u unit) id { return id{u.app.Namespace, u.app.Name} }
	base.apps, head.apps, r.late.apps = settled(given.apps, others.apps, base.apps, head.apps, app)
	named := func(s set) id { return id{s.set.Namespace, s.set.Name} }
	base.sets, head.sets, r.late.sets = settled(given.sets, others.sets, base.sets, head.sets, named)
}

// lately gives what the change adds and nothing else described, once. What goes
// to a cluster that is not known here is left out, and told.
func (r *run) lately(ctx context.Context) []pair {
	late := r.late
	r.late = described{}
	var out []pair
	for _, p := range r.pairs(ctx, &described{}, &late) {
		if _, err := r.Flow.Clusters.Cluster(ctx, p.head.app.Spec.Destination); fault.Of(err) == fault.Missing {
			r.found.warning("application " + p.head.app.Name + " (" + p.head.origin + ") is new, and not previewed here: " + err.Error())
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

func settled[T any](given, others, base, head []T, name func(T) id) (before, after, late []T) {
	names := func(lists ...[]T) map[id]bool {
		out := map[id]bool{}
		for _, all := range lists {
			for _, one := range all {
				out[name(one)] = true
			}
		}
		return out
	}
	live, old, next := names(given, others), names(base), names(head)
	for _, b := range base {
		if live[name(b)] {
			before = append(before, b)
		}
	}
	for _, h := range head {
		if live[name(h)] {
			after = append(after, h)
		} else if !old[name(h)] {
			late = append(late, h)
		}
	}
	for i, g := range slices.Concat(given, others) {
		switch n := name(g); {
		case old[n]: // and where head has it no more, it goes
		case next[n]:
			before = append(before, g)
		case i < len(given):
			before, after = append(before, g), append(after, g)
		}
	}
	return before, after, late
}
