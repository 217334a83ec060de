package git

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// hint is what helps whoever asks for a name that is not there. It is looked
// for once.
type hint struct {
	looked bool
	text   string
}

// helped adds a hint to the error of a name that is not there. A server that
// told only of the refs in use is asked for all of them, once for such a name
// and not at every poll.
func (r *repository) helped(ctx context.Context, w wanted, now *refs, err error) error {
	if fault.Of(err) != fault.Missing || !w.named() || now.empty {
		return err
	}
	looked := func() (hint, bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		u, ok := r.uses[w]
		if !ok {
			return hint{}, true
		}
		return u.hint, u.hint.looked
	}
	h, ok := looked()
	if !ok {
		if r.asking.take(ctx) != nil {
			return err
		}
		defer r.asking.give()
		if h, ok = looked(); !ok {
			all, failed := r.source.refs(ctx, []string{"HEAD", "refs/heads/", "refs/tags/"})
			if failed != nil && ctx.Err() != nil {
				return err
			}
			r.mu.Lock()
			r.look([]wanted{w}, now, all)
			h = r.uses[w].hintOrNone()
			r.mu.Unlock()
		}
	}
	if h.text == "" {
		return err
	}
	return fault.New(fault.Missing, "%w; %s", err, h.text)
}

func (u *use) hintOrNone() hint {
	if u == nil {
		return hint{} // forgotten meanwhile
	}
	return u.hint
}

// look finds hints for the names that are not there, among all refs. It is
// called with mu held.
func (r *repository) look(uses []wanted, now *refs, all []wire.Ref) {
	for _, w := range uses {
		u, ok := r.uses[w]
		if !ok || u.hint.looked || !w.named() {
			continue
		}
		if _, err := now.resolve(w); err != nil {
			u.hint = hint{true, closest(cmp.Or(w.prefixed(), w.revision), strings.TrimPrefix(now.head.name, "refs/heads/"), all)}
		}
	}
}

// named reports a revision that is the name of a branch or a tag, and nothing
// else.
func (w wanted) named() bool {
	return !w.head() && !fullSHA.MatchString(w.revision) && !shortSHA.MatchString(w.revision) && w.constraint() == nil
}

// tellsAll reports an answer that goes beyond what was asked for: then it holds
// every branch and tag.
func (in interest) tellsAll(all []wire.Ref) bool {
	return slices.ContainsFunc(all, func(ref wire.Ref) bool { return short(ref.Name) != "" && !in.includes(ref.Name) })
}

// short is the name of a branch or a tag as people write it, empty for other
// refs.
func short(ref string) string {
	for _, folder := range []string{"refs/heads/", "refs/tags/"} {
		if name, ok := strings.CutPrefix(ref, folder); ok {
			return name
		}
	}
	return ""
}

// maxClosest is how many names a hint holds.
const maxClosest = 3

// closest names the branches and tags that a name is most likely a slip of,
// and the default branch.
func closest(name, head string, all []wire.Ref) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "refs/heads/"), "refs/tags/")
	type near struct {
		name     string
		distance int
	}
	var found []near
	for _, ref := range all {
		candidate := short(ref.Name)
		if d, ok := distance(name, candidate); ok && !slices.ContainsFunc(found, func(n near) bool { return n.name == candidate }) {
			found = append(found, near{candidate, d})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(a.distance-b.distance, strings.Compare(a.name, b.name)) })
	var names []string
	for _, n := range found[:min(len(found), maxClosest)] {
		names = append(names, n.name)
	}
	var parts []string
	switch len(names) {
	case 0:
	case 1:
		parts = append(parts, "the closest is "+names[0])
	default:
		parts = append(parts, "the closest are "+strings.Join(names[:len(names)-1], ", ")+" and "+names[len(names)-1])
	}
	if head != "" && !slices.Contains(names, head) {
		parts = append(parts, "the default branch is "+head)
	}
	return strings.Join(parts, "; ")
}

// distance is how far a name is from what somebody wrote, and whether one may
// be meant by the other: a third of the letters may be wrong, or one is a part
// of the other.
func distance(written, name string) (int, bool) {
	const shortest, longest = 3, 250
	if name == "" || len(written) > longest || len(name) > longest {
		return 0, false
	}
	a, b := strings.ToLower(written), strings.ToLower(name)
	d := levenshtein.ComputeDistance(a, b)
	if d <= max(2, len(a)/3) && d < len(a) {
		return d, true
	}
	part := len(a) >= shortest && strings.Contains(b, a) || len(b) >= shortest && strings.Contains(a, b)
	return longest + d, part // behind every slip
}
