package sides

// All is what a cluster has that concerns the repository, what it has beside,
// and what the repository describes.
type All[T any] struct{ Given, Others, Base, Head []T }

// Settled gives both sides, what the change adds, and what it describes under a
// name that it must not take: that of something beside, or where it is not
// trusted, of anything that base does not describe.
func Settled[T any](untrusted bool, from All[T], name func(T) ID) (before, after, late, taken []T) {
	names := func(list []T) map[ID]bool {
		out := map[ID]bool{}
		for _, one := range list {
			out[name(one)] = true
		}
		return out
	}
	concerned, beside, old, next := names(from.Given), names(from.Others), names(from.Base), names(from.Head)
	takes := func(n ID) bool { return !old[n] && (beside[n] || untrusted && concerned[n]) }
	for _, b := range from.Base {
		if n := name(b); concerned[n] || beside[n] {
			before = append(before, b)
		}
	}
	for _, h := range from.Head {
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
	for _, g := range from.Given {
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
