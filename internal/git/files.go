package git

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/git/pack"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// files is the tree of one commit as a snapshot.FS. Folders are decoded once
// and kept for a while, files are read from the packs each time.
type files struct {
	commit  snapshot.Commit
	asked   plumbing.Hash // the commit, or a tag of it
	repo    *repository
	objects objects
	root    plumbing.Hash
	sealed  bool // no submodule is opened
	may     func(ctx context.Context, url string) error
	within  context.Context //nolint:containedctx // reading takes none; nil says nothing

	*kept
}

// kept is what was found out about a commit, whoever reads it.
type kept struct {
	recent     recent
	changes    changes
	once       sync.Once
	modules    map[string]string // URLs of submodules, by path
	modulesErr error
}

// directory is a decoded tree, sorted by name.
type directory []pack.TreeEntry

var (
	_ snapshot.FS         = (*files)(nil)
	_ snapshot.Hasher     = (*files)(nil)
	_ snapshot.Sealer     = (*files)(nil)
	_ snapshot.Restricter = (*files)(nil)
	_ snapshot.Waiter     = (*files)(nil)
)

func newFiles(r *repository, from objects, c *object.Commit) *files {
	return &files{commit: commitOf(c), repo: r, objects: from, root: c.TreeHash, kept: &kept{}}
}

// Sealed implements snapshot.Sealer.
func (f *files) Sealed() snapshot.FS {
	out := *f
	out.sealed = true
	return &out
}

// Restricted implements snapshot.Restricter.
func (f *files) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	if dir, err := f.directory(f.root); err == nil {
		if _, ok := dir.entry(modulesFile); !ok {
			return f // it opens nothing
		}
	}
	return f.restricted(may)
}

func (f *files) restricted(may func(ctx context.Context, url string) error) *files {
	if may == nil {
		return f
	}
	out := *f
	out.may = may
	if before := f.may; before != nil {
		out.may = func(ctx context.Context, url string) error {
			if err := before(ctx, url); err != nil {
				return err
			}
			return may(ctx, url)
		}
	}
	return &out
}

// Waiting implements snapshot.Waiter.
func (f *files) Waiting(ctx context.Context) snapshot.FS { return f.waiting(ctx) }

func (f *files) waiting(ctx context.Context) *files {
	out := *f
	out.within = ctx
	return &out
}

func (f *files) is(t target) bool { return f.asked == t.hash || f.commit.SHA == t.hash.String() }

// Bounds on the way to one file.
const (
	maxLinks   = 32
	maxModules = 8
)

// found is where a path led to: into a submodule maybe.
type found struct {
	files *files
	at    string // from the root of files
	pack.TreeEntry
}

func (f found) dir() bool { return f.Mode == pack.ModeTree || f.Mode == pack.ModeSubmodule }

func (f *files) find(op, name string) (found, error) {
	if dir, base, ok := f.recent.parent(name); ok {
		if e, ok := dir.entry(base); ok && e.Mode != pack.ModeSymlink {
			return found{f, name, e}, nil
		}
	}
	return f.findIn(op, name, name, maxModules)
}

// findIn walks to a path, following links and entering submodules; whole is
// the path as it was asked for.
func (f *files) findIn(op, whole, name string, modules int) (found, error) {
	if !fs.ValidPath(name) {
		return found{}, &fs.PathError{Op: op, Path: whole, Err: fs.ErrInvalid}
	}
	root := pack.TreeEntry{Name: ".", Mode: pack.ModeTree, Hash: f.root}
	at, rest, links := ".", name, 0
	entry := root
	for rest != "" && rest != "." {
		if entry.Mode == pack.ModeSubmodule {
			if modules == 0 {
				return found{}, fault.New(fault.Invalid, "%s %s: more than %d submodules are within each other", op, whole, maxModules)
			}
			sub, err := f.submodule(at, entry.Hash)
			if err != nil {
				return found{}, fmt.Errorf("%s %s: %w", op, whole, err)
			}
			return sub.findIn(op, whole, rest, modules-1)
		}
		if entry.Mode != pack.ModeTree {
			return found{}, &fs.PathError{Op: op, Path: whole, Err: fs.ErrNotExist}
		}
		dir, err := f.directory(entry.Hash)
		if err != nil {
			return found{}, fmt.Errorf("%s %s: %w", op, whole, err)
		}
		first, after, more := strings.Cut(rest, "/")
		if !more && links == 0 {
			f.recent.keep(name, dir)
		}
		next, ok := dir.entry(first)
		if !ok {
			return found{}, &fs.PathError{Op: op, Path: whole, Err: fs.ErrNotExist}
		}
		if next.Mode != pack.ModeSymlink {
			entry, rest = next, after
			if links == 0 {
				at = strings.TrimSuffix(strings.TrimSuffix(name, after), "/")
			} else {
				at = path.Join(at, first)
			}
			continue
		}
		if links++; links > maxLinks {
			return found{}, fault.New(fault.Invalid, "%s %s: too many symbolic links", op, whole)
		}
		target, err := f.link(next.Hash, whole)
		if err != nil {
			return found{}, err
		}
		to := path.Join(at, target)
		if path.IsAbs(target) || !fs.ValidPath(to) {
			return found{}, snapshot.Outside(whole, target)
		}
		// Start again from the root: what the link leads to may hold links.
		entry, at, rest = root, ".", path.Join(to, after)
	}
	return found{f, at, entry}, nil
}

// entry finds a name in a folder.
func (d directory) entry(name string) (pack.TreeEntry, bool) {
	i, ok := slices.BinarySearchFunc(d, name, func(e pack.TreeEntry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return pack.TreeEntry{}, false
	}
	return d[i], true
}

// dirKey names a decoded tree in the cache.
type dirKey struct {
	repo *repository
	hash plumbing.Hash
}

func (f *files) directory(hash plumbing.Hash) (directory, error) {
	key := dirKey{f.repo, hash}
	if d, ok := f.repo.mirrors.cache.Get(key); ok {
		return d.(directory), nil
	}
	kind, data, err := f.objects.Read(hash)
	if err != nil {
		return nil, f.damaged(err)
	}
	if kind != plumbing.TreeObject {
		return nil, fault.New(fault.Invalid, "%s is a %s where a tree belongs", hash, kind)
	}
	var d directory
	weight := 100
	for e, err := range pack.TreeEntries(data) {
		if err != nil {
			return nil, fault.New(fault.Invalid, "the tree %s: %w", hash, err)
		}
		if e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
			return nil, fault.New(fault.Invalid, "the tree %s holds the name %q", hash, e.Name)
		}
		d = append(d, e)
		weight += 48 + len(e.Name)
	}
	slices.SortFunc(d, func(a, b pack.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	f.repo.mirrors.cache.Put(key, d, weight)
	return d, nil
}

// linkKey names where a link leads to in the cache.
type linkKey dirKey

// link is where a link leads to.
func (f *files) link(hash plumbing.Hash, name string) (string, error) {
	key := linkKey{f.repo, hash}
	if to, ok := f.repo.mirrors.cache.Get(key); ok {
		return to.(string), nil
	}
	data, err := f.blob(hash, name)
	if err != nil {
		return "", err
	}
	f.repo.mirrors.cache.Put(key, string(data), 100+len(data))
	return string(data), nil
}

// damaged has the commit fetched again where objects of it are missing or
// cannot be read. What is wrong with an object itself is another matter.
func (f *files) damaged(err error) error {
	if fault.Of(err) == fault.Transient {
		f.repo.doubt(f)
	}
	return err
}

// blob reads a file's content; name is for the error.
func (f *files) blob(hash plumbing.Hash, name string) ([]byte, error) {
	size, err := f.objects.Size(hash)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, f.damaged(err))
	}
	if size > snapshot.MaxFileSize {
		return nil, snapshot.TooLarge(name)
	}
	kind, data, err := f.objects.Read(hash)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, f.damaged(err))
	}
	if kind != plumbing.BlobObject {
		return nil, fault.New(fault.Invalid, "read %s: %s is a %s where a file belongs", name, hash, kind)
	}
	if err := snapshot.WithoutLFS(name, data); err != nil {
		return nil, err
	}
	return slices.Clip(data), nil
}

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		list, err := f.ReadDir(name)
		return &openDir{info: info, rest: list}, err
	}
	data, err := f.ReadFile(name)
	return &openFile{info: info, Reader: *strings.NewReader(string(data))}, err
}

// ReadFile implements fs.ReadFileFS.
func (f *files) ReadFile(name string) ([]byte, error) {
	e, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if e.dir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is a directory")}
	}
	data, err := e.files.blob(e.Hash, name)
	if err != nil {
		return nil, err
	}
	// The caller may change what it got, and not what the cache keeps.
	return bytes.Clone(data), nil
}

// ReadDir implements fs.ReadDirFS.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find("list", name)
	if err != nil {
		return nil, err
	}
	in, hash := e.files, e.Hash
	switch e.Mode {
	case pack.ModeTree:
	case pack.ModeSubmodule:
		if in, err = e.files.submodule(e.at, e.Hash); err != nil {
			return nil, fmt.Errorf("list %s: %w", name, err)
		}
		hash = in.root
	default:
		return nil, &fs.PathError{Op: "list", Path: name, Err: fmt.Errorf("is not a directory")}
	}
	d, err := in.directory(hash)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	list := make([]fs.DirEntry, len(d))
	for i, e := range d {
		list[i] = entry{name: e.Name, found: found{files: in, TreeEntry: e}}
	}
	return list, nil
}

// Stat implements fs.StatFS.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	e, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return entry{name: path.Base(name), found: e}, nil
}

// Hash implements snapshot.Hasher. A submodule's is its commit.
func (f *files) Hash(name string) (string, error) {
	e, err := f.find("read", name)
	if err != nil {
		return "", err
	}
	return e.Hash.String(), nil
}
