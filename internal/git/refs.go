package git

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// refs are the names a repository has, with the commits they stand for:
// annotated tags are peeled.
type refs struct {
	// head is the name of the branch that HEAD stands for.
	head   string
	hashes map[string]plumbing.Hash
}

// target is what a revision turned out to be.
type target struct {
	// name is the full name of the ref, empty for a bare commit id.
	name string
	hash plumbing.Hash
}

func newRefs(all []*plumbing.Reference) refs {
	r := refs{hashes: map[string]plumbing.Hash{}}
	peeled := map[string]plumbing.Hash{}
	var detached plumbing.Hash
	for _, ref := range all {
		name := ref.Name().String()
		switch {
		case ref.Type() == plumbing.SymbolicReference:
			if name == "HEAD" {
				r.head = ref.Target().String()
			}
		case strings.HasSuffix(name, "^{}"):
			peeled[strings.TrimSuffix(name, "^{}")] = ref.Hash()
		case name == "HEAD":
			detached = ref.Hash()
		default:
			r.hashes[name] = ref.Hash()
		}
	}
	for name, hash := range peeled {
		r.hashes[name] = hash
	}
	if _, ok := r.hashes[r.head]; !ok && !detached.IsZero() {
		r.head = "HEAD"
		r.hashes["HEAD"] = detached
	}
	return r
}

func (r refs) equal(o refs) bool {
	if r.head != o.head || len(r.hashes) != len(o.hashes) {
		return false
	}
	for name, hash := range r.hashes {
		if o.hashes[name] != hash {
			return false
		}
	}
	return true
}

var (
	fullSHA  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortSHA = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
	// ranged matches what can only be a range of versions, or a version
	// with less than three parts.
	ranged = regexp.MustCompile(`[*^~<>=|, ]|^v?\d+(\.[0-9xX]+)?$|[xX]$|^v?\d+\.\d+\.[xX*]`)
)

// resolve names the commit of a revision: empty or HEAD, a full commit id, a
// branch, a tag, a full ref name, or a range of semantic versions, which
// takes the newest tag in it.
func (r refs) resolve(revision string) (target, error) {
	if revision == "" || revision == "HEAD" {
		if hash, ok := r.hashes[r.head]; ok {
			return target{r.head, hash}, nil
		}
		return target{}, fault.New(fault.Missing, "the repository has no commit on its default branch")
	}
	if fullSHA.MatchString(revision) {
		return target{hash: plumbing.NewHash(revision)}, nil
	}
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "", "refs/"} {
		if hash, ok := r.hashes[prefix+revision]; ok {
			return target{prefix + revision, hash}, nil
		}
	}
	if ranged.MatchString(revision) {
		if constraint, err := semver.NewConstraint(revision); err == nil {
			return r.newest(revision, constraint)
		}
	}
	if shortSHA.MatchString(revision) {
		return r.abbreviated(revision)
	}
	return target{}, fault.New(fault.Missing, "there is no branch or tag %q%s", revision, r.hint())
}

func (r refs) newest(revision string, constraint *semver.Constraints) (target, error) {
	var best *semver.Version
	var found target
	for name, hash := range r.hashes {
		tag, ok := strings.CutPrefix(name, "refs/tags/")
		if !ok {
			continue
		}
		v, err := semver.NewVersion(tag)
		if err != nil || !constraint.Check(v) {
			continue
		}
		// Of v1.2.0 and 1.2.0 the same one wins each time.
		if best == nil || v.GreaterThan(best) || v.Equal(best) && name < found.name {
			best, found = v, target{name, hash}
		}
	}
	if best == nil {
		return target{}, fault.New(fault.Missing, "no tag is in the version range %q", revision)
	}
	return found, nil
}

// abbreviated finds a shortened commit id among the tips, all that a query of
// the refs can tell.
func (r refs) abbreviated(revision string) (target, error) {
	var found target
	for _, hash := range r.hashes {
		if strings.HasPrefix(hash.String(), revision) {
			found = target{hash: hash}
		}
	}
	if found.hash.IsZero() {
		return target{}, fault.New(fault.Missing, "there is no branch or tag %q; a commit is named by all 40 characters of its id", revision)
	}
	return found, nil
}

// hint lists some branches, so that a typing mistake is seen.
func (r refs) hint() string {
	var names []string
	for name := range r.hashes {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			names = append(names, branch)
		}
	}
	if len(names) == 0 {
		return ": the repository has no branches"
	}
	slices.Sort(names)
	if more := len(names) - 5; more > 0 {
		return fmt.Sprintf(" (branches: %s and %d more)", strings.Join(names[:5], ", "), more)
	}
	return fmt.Sprintf(" (branches: %s)", strings.Join(names, ", "))
}
