package blame

import (
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
)

// finder finds one path in tree after tree. It remembers the last folders:
// mostly they are the same ones.
type finder struct{ levels []level }

type level struct {
	tree plumbing.Hash
	name string
	next pack.TreeEntry
}

// find returns the id of a file; zero where there is none.
func (f *finder) find(from Source, tree plumbing.Hash, name string) (plumbing.Hash, error) {
	for depth := 0; ; depth++ {
		first, rest, more := strings.Cut(name, "/")
		if depth == len(f.levels) {
			f.levels = append(f.levels, level{})
		}
		if at := &f.levels[depth]; at.tree != tree || at.name != first {
			next, err := entry(from, tree, first)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			*at = level{tree, first, next}
		}
		next := f.levels[depth].next
		switch {
		case next.Hash.IsZero():
			return plumbing.ZeroHash, nil
		case !more && plain(next):
			return next.Hash, nil
		case !more || next.Mode != pack.ModeTree:
			return plumbing.ZeroHash, nil
		}
		tree, name = next.Hash, rest
	}
}

func entry(from Source, tree plumbing.Hash, name string) (pack.TreeEntry, error) {
	data, err := from.Tree(tree)
	if err != nil {
		return pack.TreeEntry{}, err
	}
	for e, err := range pack.TreeEntries(data) {
		if err != nil {
			return pack.TreeEntry{}, fault.New(fault.Invalid, "the tree %s: %w", tree, err)
		}
		if e.Name == name {
			return e, nil
		}
	}
	return pack.TreeEntry{}, nil
}

// maxMoved bounds the folders that are compared to find a file that moved.
const maxMoved = 20_000

// renamed finds a file of a parent that has the same content, and that the
// commit has not any more. One of the same base name counts first.
func (w *walk) renamed(v version, parent *object.Commit) (version, error) {
	m := moved{from: w.from, blob: v.blob}
	if err := m.compare("", parent.TreeHash, v.commit.TreeHash); err != nil {
		return version{}, err
	}
	for _, name := range m.found {
		if path.Base(name) == path.Base(v.path) {
			return version{commit: parent, path: name, blob: v.blob}, nil
		}
	}
	if len(m.found) > 0 {
		return version{commit: parent, path: m.found[0], blob: v.blob}, nil
	}
	return version{}, nil
}

// moved looks for a content among the files that only the older tree has.
type moved struct {
	from  Source
	blob  plumbing.Hash
	found []string
	seen  int
}

// compare looks at what two folders do not have in common. A zero id is a
// folder that is not there.
func (m *moved) compare(dir string, was, is plumbing.Hash) error {
	if was == is || was.IsZero() {
		return nil
	}
	if m.seen++; m.seen > maxMoved {
		return nil
	}
	now := map[string]pack.TreeEntry{}
	if !is.IsZero() {
		data, err := m.from.Tree(is)
		if err != nil {
			return err
		}
		for e, err := range pack.TreeEntries(data) {
			if err != nil {
				return fault.New(fault.Invalid, "the tree %s: %w", is, err)
			}
			now[e.Name] = e
		}
	}
	data, err := m.from.Tree(was)
	if err != nil {
		return err
	}
	for e, err := range pack.TreeEntries(data) {
		if err != nil {
			return fault.New(fault.Invalid, "the tree %s: %w", was, err)
		}
		other, there := now[e.Name]
		switch {
		case e.Mode == pack.ModeTree:
			if other.Mode != pack.ModeTree {
				other.Hash = plumbing.ZeroHash
			}
			if err := m.compare(path.Join(dir, e.Name), e.Hash, other.Hash); err != nil {
				return err
			}
		case plain(e) && e.Hash == m.blob && (!there || !plain(other)):
			m.found = append(m.found, path.Join(dir, e.Name))
		}
	}
	return nil
}
