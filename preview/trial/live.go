package trial

// settle puts together what a cluster has and what the repository describes.
// A document of the repository takes the place of what the cluster has under
// its name. Of the others only those count that the change adds: what base
// describes and the cluster lacks is somebody else's, such as an example, or
// another agent's.
func settle(given described, base, head *described, home string) {
	base.in(home)
	head.in(home)
	app := func(u unit) id { return id{u.app.Namespace, u.app.Name} }
	base.apps, head.apps = settled(given.apps, base.apps, head.apps, app)
	named := func(s set) id { return id{s.set.Namespace, s.set.Name} }
	base.sets, head.sets = settled(given.sets, base.sets, head.sets, named)
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

func settled[T any](given, base, head []T, name func(T) id) (before, after []T) {
	names := func(all []T) map[id]bool {
		out := make(map[id]bool, len(all))
		for _, one := range all {
			out[name(one)] = true
		}
		return out
	}
	live, old, next := names(given), names(base), names(head)
	for _, b := range base {
		if live[name(b)] {
			before = append(before, b)
		}
	}
	for _, h := range head {
		if live[name(h)] || !old[name(h)] {
			after = append(after, h)
		}
	}
	for _, g := range given {
		switch n := name(g); {
		case old[n]: // and where head has it no more, it goes
		case next[n]:
			before = append(before, g)
		default:
			before, after = append(before, g), append(after, g)
		}
	}
	return before, after
}
