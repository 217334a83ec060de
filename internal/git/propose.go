package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/git/wire"
)

// Proposal is a commit for a branch of its own.
type Proposal struct {
	// Base is the branch that the commit is for, and that it follows.
	Base string
	// Branch is its own. A name that is taken by another commit gets a number,
	// unless Exact is set: then it is fault.Conflict, or, with Force, replaced
	// as long as it stays what it was when it was looked at.
	Branch       string
	Exact, Force bool
	Files        []ProposedFile
	Message      string
	// Author is a name and an address: who writes the commit.
	Author, Email string
	At            time.Time
}

// ProposedFile is what becomes of a file; nil is that it is not there. Before
// must be what the base has.
type ProposedFile struct {
	Path          string
	Before, After []byte
}

// Proposed is where a proposal is.
type Proposed struct {
	Branch, Commit string
	// New is false where the branch had that very commit's files already.
	New bool
}

// maxNumbers bounds the branches of one name.
const maxNumbers = 50

const heads = "refs/heads/"

// Branch names the branch that a revision is; a tag, a range or a commit is
// fault.Invalid.
func (m *Mirrors) Branch(ctx context.Context, url, revision string) (string, error) {
	r, err := m.repository(url)
	var t target
	if err == nil {
		w := wanted{revision: revision}
		r.known(w)
		t, _, err = r.resolve(ctx, w)
	}
	name, ok := strings.CutPrefix(t.name, heads)
	if err == nil && !ok {
		err = fault.New(fault.Invalid, "it is no branch, and a change needs one to go to")
	}
	if err != nil {
		return "", fmt.Errorf("find the branch of %s at %s: %w", Redact(url), shown(revision), classify(err))
	}
	return name, nil
}

// Propose pushes a commit to a branch of its own, never to the base. Where
// a file of the base is not what the proposal says it was, it is
// fault.Conflict, and nothing is pushed.
func (m *Mirrors) Propose(ctx context.Context, url string, p Proposal) (Proposed, error) {
	r, err := m.repository(url)
	var out Proposed
	if err == nil {
		out, err = r.propose(ctx, p)
	}
	if err != nil {
		return out, fmt.Errorf("propose a change to %s of %s: %w", p.Base, Redact(url), classify(err))
	}
	return out, nil
}

func (r *repository) propose(ctx context.Context, p Proposal) (Proposed, error) {
	if p.Branch == p.Base {
		return Proposed{}, fault.New(fault.Invalid, "the branch of a change is never the one that it is for")
	}
	if err := plumbing.NewBranchReferenceName(p.Branch).Validate(); err != nil {
		return Proposed{}, fault.New(fault.Invalid, "%q cannot be the name of a branch", p.Branch)
	}
	base, _, err := r.fresh(ctx, heads+p.Base)
	if err != nil {
		return Proposed{}, err
	}
	made := &making{from: base.objects}
	root, err := made.changed(base.root, p.Files)
	if err != nil {
		return Proposed{}, err
	}
	commit := made.add(plumbing.CommitObject, p.commit(root, base.commit.SHA))
	update := wire.Update{New: commit}
	for n := 1; ; n++ {
		name := p.Branch
		if n > 1 {
			name = fmt.Sprintf("%s-%d", p.Branch, n)
		}
		taken, tip, err := r.fresh(ctx, heads+name)
		switch {
		case fault.Of(err) == fault.Missing:
			update.Name = heads + name
		case err != nil:
			return Proposed{}, err
		case taken.root == root:
			return Proposed{Branch: name, Commit: taken.commit.SHA}, nil
		case p.Exact && p.Force:
			update.Name, update.Old = heads+name, tip
		case p.Exact:
			return Proposed{}, fault.New(fault.Conflict, "the branch %s is there already, with other changes", name)
		case n == maxNumbers:
			return Proposed{}, fault.New(fault.Conflict, "there are %d branches of the name %s", n, p.Branch)
		default:
			continue
		}
		if update.Pack, err = made.pack(); err != nil {
			return Proposed{}, err
		}
		if err := r.source.push(ctx, update, made.objects); err != nil {
			return Proposed{}, err
		}
		return Proposed{Branch: name, Commit: commit.String(), New: true}, nil
	}
}

// fresh opens a branch as the server has it now.
func (r *repository) fresh(ctx context.Context, revision string) (*files, plumbing.Hash, error) {
	w := wanted{revision: revision}
	r.known(w)
	if _, err := r.ask(ctx, nil); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	t, _, err := r.resolve(ctx, w)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	f, err := r.open(ctx, t)
	return f, t.hash, err
}

// commit is the text of the commit object.
func (p Proposal) commit(root plumbing.Hash, parent string) []byte {
	clean := func(s string) string {
		return strings.TrimSpace(strings.Map(func(c rune) rune {
			if c < ' ' || c == '<' || c == '>' {
				return -1
			}
			return c
		}, s))
	}
	who := fmt.Sprintf("%s <%s> %d %s", clean(p.Author), clean(p.Email), p.At.Unix(), p.At.Format("-0700"))
	return fmt.Appendf(nil, "tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n", root, parent, who, who, strings.TrimSpace(p.Message))
}

// making gathers the objects of a commit.
type making struct {
	from    objects
	objects []made
}

type made struct {
	kind plumbing.ObjectType
	hash plumbing.Hash
	data []byte
}

func (m *making) add(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	h := plumbing.ComputeHash(kind, data)
	if !slices.ContainsFunc(m.objects, func(o made) bool { return o.hash == h }) {
		m.objects = append(m.objects, made{kind, h, data})
	}
	return h
}

func (m *making) read(h plumbing.Hash) ([]byte, error) {
	for _, o := range m.objects {
		if o.hash == h {
			return o.data, nil
		}
	}
	_, data, err := m.from.Read(h)
	return data, err
}

// changed is a tree with changed files.
func (m *making) changed(root plumbing.Hash, files []ProposedFile) (plumbing.Hash, error) {
	var failures []error
	for _, f := range files {
		next, empty, err := m.put(root, strings.Split(f.Path, "/"), f)
		if err == nil && empty {
			err = fault.New(fault.Invalid, "nothing would be left in the repository")
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", f.Path, err))
			continue
		}
		root = next
	}
	return root, errors.Join(failures...)
}

// put changes one file below a tree, which is zero for a folder that is not
// there. empty is that nothing is left in it.
func (m *making) put(tree plumbing.Hash, path []string, f ProposedFile) (h plumbing.Hash, empty bool, err error) {
	var entries []pack.TreeEntry
	if !tree.IsZero() {
		data, err := m.read(tree)
		if err != nil {
			return h, false, err
		}
		for e, err := range pack.TreeEntries(data) {
			if err != nil {
				return h, false, err
			}
			entries = append(entries, e)
		}
	}
	i := slices.IndexFunc(entries, func(e pack.TreeEntry) bool { return e.Name == path[0] })
	var entry pack.TreeEntry
	if i >= 0 {
		entry = entries[i]
	}
	if entry.Mode == pack.ModeSymlink || entry.Mode == pack.ModeSubmodule {
		return h, false, fault.New(fault.Invalid, "%s is a link or a submodule: change what it stands for", path[0])
	}
	gone := false
	if len(path) > 1 {
		if i >= 0 && entry.Mode != pack.ModeTree {
			return h, false, fault.New(fault.Conflict, "%s is a file by now", path[0])
		}
		entry.Mode = pack.ModeTree
		entry.Hash, gone, err = m.put(entry.Hash, path[1:], f)
	} else {
		entry.Hash, err = m.file(entry, i >= 0, f)
		gone = f.After == nil
		if entry.Mode == 0 {
			entry.Mode = 0o100644
		}
	}
	if err != nil {
		return h, false, err
	}
	entry.Name = path[0]
	switch {
	case gone && i >= 0:
		entries = slices.Delete(entries, i, i+1)
	case i >= 0:
		entries[i] = entry
	case !gone:
		entries = append(entries, entry)
	}
	return m.add(plumbing.TreeObject, encodeTree(entries)), len(entries) == 0, nil
}

// file checks what was there, and adds what is to be.
func (m *making) file(entry pack.TreeEntry, there bool, f ProposedFile) (plumbing.Hash, error) {
	if there != (f.Before != nil) || there && !entry.Plain() {
		return plumbing.ZeroHash, fault.New(fault.Conflict, "it came or went since it was looked at")
	}
	if there {
		data, err := m.read(entry.Hash)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !bytes.Equal(data, f.Before) {
			return plumbing.ZeroHash, fault.New(fault.Conflict, "it changed since it was looked at")
		}
	}
	if f.After == nil {
		return plumbing.ZeroHash, nil
	}
	return m.add(plumbing.BlobObject, f.After), nil
}

// encodeTree is the content of a tree object: folders sort as if they ended
// with a slash.
func encodeTree(entries []pack.TreeEntry) []byte {
	sortName := func(e pack.TreeEntry) string {
		if e.Mode == pack.ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(entries, func(a, b pack.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00", e.Mode, e.Name)
		b.Write(e.Hash[:])
	}
	return b.Bytes()
}
