package trial

import (
	"cmp"
	"context"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/found"
	"github.com/trueup-dev/trueup/preview/sides"
	"github.com/trueup-dev/trueup/reconcile"
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
	app := func(u unit) id { return id{Namespace: u.app.Namespace, Name: u.app.Name} }
	r.foreign = map[id]bool{}
	for _, u := range others.apps {
		r.foreign[app(u)] = true
	}
	var taken []unit
	var takenSets []set
	base.apps, head.apps, r.late.apps, taken = sides.Settled(r.Guard.Untrusted, sides.All[unit]{Given: given.apps, Others: others.apps, Base: base.apps, Head: head.apps}, app)
	// That a set uses the repository may be a guess, so that a name claims none.
	named := func(s set) id { return id{Namespace: s.set.Namespace, Name: s.set.Name} }
	base.sets, head.sets, r.late.sets, takenSets = sides.Settled(true, sides.All[set]{Given: given.sets, Others: others.sets, Base: base.sets, Head: head.sets}, named)
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
	key.Namespace = cmp.Or(key.Namespace, r.roots.Home)
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

// cluster is what an application's destination is called: the name that it is
// registered under, where that is known.
func (r *run) cluster(ctx context.Context, u *unit) string {
	to := u.app.Spec.Destination
	if name := r.names[to.Server]; to.Name == "" && name != "" {
		return name
	}
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

// handOver notes on both sides who has the applications. Who has one may come to
// light after it was rendered, and that it is another one now is a change of
// one that nothing else touches.
func (r *run) handOver(ctx context.Context) {
	for _, p := range r.calm {
		if r.hands[0].Passes(p.id, r.hands[1]) {
			d, err := desire(ctx, r.base.flow, &p.base.app)
			r.before, r.after = append(r.before, r.sideOf(ctx, p.base, d, err)), append(r.after, r.sideOf(ctx, p.head, d, err))
		}
	}
	for i, all := range [][]preview.Side{r.before, r.after} {
		for k := range all {
			if hand, ok := r.hands[i][id{Namespace: all[k].Namespace, Name: all[k].Name}]; ok {
				all[k].Owner, all[k].Stays = hand.By, hand.Stays
			}
		}
	}
}

// track notes what an application has on base.
func (r *run) track(ctx context.Context, p pair, d *reconcile.Desired) {
	if d == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracked.Note(r.cluster(ctx, p.base), p.id, d.Objects)
}
