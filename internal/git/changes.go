package git

import (
	"path"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

var _ snapshot.Differ = (*files)(nil)

const (
	// maxChanges is how many changed paths are worth knowing: beyond them it
	// is as cheap to ask for everything.
	maxChanges = 20_000
	// keptChanges bounds the earlier commits that a later one is compared
	// with: applications that follow a branch mostly stand at the same one.
	keptChanges = 16
)

// changes are what was found out about the difference from earlier commits.
type changes struct {
	mu    sync.Mutex
	since map[string]*snapshot.Changes // nil: too many
}

// Since implements snapshot.Differ. Folders are compared by their ids, and
// only those are opened that differ.
func (f *files) Since(commit string) (*snapshot.Changes, bool) {
	if commit == f.commit.SHA {
		return &snapshot.Changes{}, true
	}
	f.changes.mu.Lock()
	defer f.changes.mu.Unlock()
	if known, ok := f.changes.since[commit]; ok {
		return known, known != nil
	}
	if !fullSHA.MatchString(commit) {
		return nil, false
	}
	before, err := readCommit(f.objects, plumbing.NewHash(commit))
	if err != nil {
		return nil, false // it is held no more
	}
	c := &snapshot.Changes{}
	if err := f.compare(".", before.TreeHash, f.root, c); err != nil {
		return nil, false
	}
	if c.Len() > maxChanges {
		c = nil
	}
	if len(f.changes.since) >= keptChanges || f.changes.since == nil {
		f.changes.since = map[string]*snapshot.Changes{}
	}
	f.changes.since[commit] = c
	return c, c != nil
}

// compare notes how a folder differs. Both lists are in the order of names.
func (f *files) compare(at string, before, now plumbing.Hash, c *snapshot.Changes) error {
	if before == now || c.Len() > maxChanges {
		return nil
	}
	c.Within(at)
	was, err := f.directory(before)
	if err != nil {
		return err
	}
	is, err := f.directory(now)
	if err != nil {
		return err
	}
	if was.ambiguous() || is.ambiguous() {
		c.Below(at)
		return nil
	}
	for len(was) > 0 || len(is) > 0 {
		var old, next *pack.TreeEntry
		order := 0
		switch {
		case len(was) == 0:
			order = 1
		case len(is) == 0:
			order = -1
		default:
			order = strings.Compare(was[0].Name, is[0].Name)
		}
		if order <= 0 {
			old, was = &was[0], was[1:]
		}
		if order >= 0 {
			next, is = &is[0], is[1:]
		}
		if err := f.compareEntry(at, old, next, c); err != nil {
			return err
		}
	}
	return nil
}

// compareEntry notes how a name in a folder differs; nil is that it is not
// there.
func (f *files) compareEntry(at string, old, next *pack.TreeEntry, c *snapshot.Changes) error {
	switch {
	case old == nil:
		c.Names(at)
		appeared(path.Join(at, next.Name), next, c)
		return nil
	case next == nil:
		c.Names(at)
		appeared(path.Join(at, old.Name), old, c)
		return nil
	case *old == *next:
		return nil
	}
	name := path.Join(at, next.Name)
	if old.Mode == pack.ModeTree && next.Mode == pack.ModeTree {
		return f.compare(name, old.Hash, next.Hash, c)
	}
	if old.Plain() && next.Plain() {
		c.File(name)
		return nil
	}
	c.Names(at)
	c.Below(name)
	return nil
}

// appeared notes what is in one of the commits only.
func appeared(name string, e *pack.TreeEntry, c *snapshot.Changes) {
	if e.Plain() {
		c.File(name)
		return
	}
	c.Below(name)
}

// ambiguous reports a folder that holds a name twice, which git never writes.
func (d directory) ambiguous() bool {
	for i := 1; i < len(d); i++ {
		if d[i].Name == d[i-1].Name {
			return true
		}
	}
	return false
}

// Direct implements snapshot.Differ.
func (f *files) Direct(name string) bool {
	if dir, base, ok := f.recent.parent(name); ok {
		e, there := dir.entry(base)
		return !there || e.Plain() || e.Mode == pack.ModeTree
	}
	hash := f.root
	for rest := name; rest != "" && rest != "."; {
		dir, err := f.directory(hash)
		if err != nil {
			return false
		}
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		e, there := dir.entry(first)
		switch {
		case !there || e.Plain():
			return true
		case e.Mode != pack.ModeTree:
			return false
		}
		hash = e.Hash
	}
	return true
}
