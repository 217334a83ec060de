package git

import (
	"maps"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// refs are the names that somebody asked for, with the commits they stand
// for: annotated tags are peeled. They do not change.
type refs struct {
	about interest
	// head is the name of the branch that HEAD stands for.
	head   target
	byName map[string]target
	// empty tells that the repository has no commit, as far as can be seen.
	empty bool
}

// target is what a revision turned out to be.
type target struct {
	// name is the full name of the ref, empty for a bare commit id.
	name string
	// hash is a commit, want what a server is asked for: a tag of it maybe.
	hash, want plumbing.Hash
}

// newRefs keeps of all refs those that the interest is about.
func newRefs(all []wire.Ref, in interest) *refs {
	r := &refs{about: in, byName: map[string]target{}, empty: len(all) == 0}
	headName := ""
	for _, ref := range all {
		t := target{name: ref.Name, hash: ref.Hash, want: ref.Hash}
		if !ref.Peeled.IsZero() {
			t.hash = ref.Peeled
		}
		switch {
		case ref.Name == "HEAD":
			if r.head = t; ref.Target != "" {
				r.head.name = ref.Target
				headName = ref.Target
			}
		case in.includes(ref.Name):
			r.byName[ref.Name] = t
		}
	}
	// A local repository tells the name only.
	if t, ok := r.byName[headName]; ok && r.head.hash.IsZero() {
		r.head = t
	}
	return r
}

// same tells whether nothing changed of what r is about.
func (r *refs) same(all []wire.Ref) bool {
	now := newRefs(all, r.about)
	return (!r.about.head || r.head == now.head) && maps.Equal(r.byName, now.byName)
}

// resolve names the commit of a revision: empty or HEAD, a full commit id, a
// branch, a tag, a full ref name, a version, which is a tag with the prefix where
// there is one, or a range of versions, which takes the newest tag in it.
func (r *refs) resolve(w wanted) (target, error) {
	if w.head() {
		if r.head.hash.IsZero() {
			return target{}, fault.New(fault.Missing, "the repository has no commit on its default branch")
		}
		return r.head, nil
	}
	for _, name := range w.names() {
		if t, ok := r.byName[name]; ok {
			return t, nil
		}
	}
	if c := w.constraint(); c != nil {
		return r.newest(w, c)
	}
	if shortSHA.MatchString(w.revision) {
		return r.abbreviated(w.revision)
	}
	if r.empty {
		return target{}, fault.New(fault.Missing, "there is no branch or tag %q; the repository seems to be empty: it has no commit on its default branch", w.revision)
	}
	if tag := w.prefixed(); tag != "" {
		return target{}, fault.New(fault.Missing, "there is no tag %q, and no branch or tag %q", tag, w.revision)
	}
	return target{}, fault.New(fault.Missing, "there is no branch or tag %q", w.revision)
}

func (r *refs) newest(w wanted, constraint *semver.Constraints) (target, error) {
	var best, last *semver.Version
	var found target
	for name, t := range r.byName {
		tag, ok := strings.CutPrefix(name, "refs/tags/"+w.tagPrefix)
		if !ok {
			continue
		}
		v, err := semver.NewVersion(tag)
		if err != nil {
			continue
		}
		if last == nil || v.GreaterThan(last) {
			last = v
		}
		if !constraint.Check(v) {
			continue
		}
		// Of v1.2.0 and 1.2.0 the same one wins each time.
		if best == nil || v.GreaterThan(best) || v.Equal(best) && name < found.name {
			best, found = v, t
		}
	}
	if best != nil {
		return found, nil
	}
	newest := "; none is a version"
	if last != nil {
		newest = "; the newest is " + w.tagPrefix + last.Original()
	}
	if w.tagPrefix != "" {
		return target{}, fault.New(fault.Missing, "no tag that begins with %q is in the version range %q%s", w.tagPrefix, w.revision, newest)
	}
	return target{}, fault.New(fault.Missing, "no tag is in the version range %q%s", w.revision, newest)
}

// abbreviated finds a shortened commit id among the tips, all that a query of
// the refs can tell.
func (r *refs) abbreviated(revision string) (target, error) {
	var found target
	for _, t := range r.byName {
		if strings.HasPrefix(t.hash.String(), revision) {
			found = target{hash: t.hash, want: t.want}
		}
	}
	if found.hash.IsZero() {
		return target{}, fault.New(fault.Missing, "there is no branch or tag %q; a commit is named by all 40 characters of its id", revision)
	}
	return found, nil
}
