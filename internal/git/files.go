package git

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// files is the tree of one commit as a snapshot.FS. Directories are decoded
// once and kept, files are read from the object store each time.
type files struct {
	commit  snapshot.Commit
	storage *filesystem.Storage
	reading *sync.Mutex

	mu   sync.Mutex
	root plumbing.Hash
	dirs map[plumbing.Hash]*directory
}

type directory struct {
	entries []fs.DirEntry
	byName  map[string]object.TreeEntry
}

var (
	_ snapshot.FS     = (*files)(nil)
	_ snapshot.Hasher = (*files)(nil)
)

func newFiles(s *filesystem.Storage, reading *sync.Mutex, c *object.Commit) *files {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return &files{
		commit:  snapshot.Commit{SHA: c.Hash.String(), Author: c.Author.Name, Subject: subject, Time: c.Author.When},
		storage: s, reading: reading, root: c.TreeHash, dirs: map[plumbing.Hash]*directory{},
	}
}

// maxLinks bounds the symbolic links on the way to one file.
const maxLinks = 32

// find walks to a path, following links.
func (f *files) find(op, name string) (object.TreeEntry, error) {
	if !fs.ValidPath(name) {
		return object.TreeEntry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, rest, links := ".", name, 0
	entry := object.TreeEntry{Name: ".", Mode: filemode.Dir, Hash: f.root}
	for rest != "" && rest != "." {
		if entry.Mode == filemode.Submodule {
			return entry, fault.New(fault.Invalid, "%s %s: %s is a Git submodule, and submodules are not supported", op, name, at)
		}
		if entry.Mode != filemode.Dir {
			return entry, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		dir, err := f.directory(entry.Hash)
		if err != nil {
			return entry, fmt.Errorf("%s %s: %w", op, name, err)
		}
		first, after, _ := strings.Cut(rest, "/")
		next, ok := dir.byName[first]
		if !ok {
			return entry, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if next.Mode != filemode.Symlink {
			entry, at, rest = next, path.Join(at, first), after
			continue
		}
		if links++; links > maxLinks {
			return entry, fault.New(fault.Invalid, "%s %s: too many symbolic links", op, name)
		}
		target, err := f.blob(next.Hash, name)
		if err != nil {
			return entry, err
		}
		to := path.Join(at, string(target))
		if path.IsAbs(string(target)) || !fs.ValidPath(to) {
			return entry, snapshot.Outside(name, string(target))
		}
		// Start again from the root: what the link leads to may hold links.
		entry = object.TreeEntry{Name: ".", Mode: filemode.Dir, Hash: f.root}
		at, rest = ".", path.Join(to, after)
	}
	return entry, nil
}

func (f *files) directory(hash plumbing.Hash) (*directory, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.dirs[hash]; ok {
		return d, nil
	}
	f.reading.Lock()
	tree, err := object.GetTree(f.storage, hash)
	if err != nil {
		f.storage.Reindex()
		tree, err = object.GetTree(f.storage, hash)
	}
	f.reading.Unlock()
	if err != nil {
		return nil, err
	}
	d := &directory{byName: make(map[string]object.TreeEntry, len(tree.Entries))}
	for _, e := range tree.Entries {
		if e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
			return nil, fault.New(fault.Invalid, "the tree %s holds the name %q", hash, e.Name)
		}
		d.byName[e.Name] = e
		d.entries = append(d.entries, entry{name: e.Name, mode: modeOf(e.Mode), files: f, hash: e.Hash})
	}
	slices.SortFunc(d.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	f.dirs[hash] = d
	return d, nil
}

// blob reads a file's content; name is for the error.
func (f *files) blob(hash plumbing.Hash, name string) ([]byte, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	size, err := f.storage.EncodedObjectSize(hash)
	if err != nil {
		f.storage.Reindex()
		size, err = f.storage.EncodedObjectSize(hash)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if size > snapshot.MaxFileSize {
		return nil, snapshot.TooLarge(name)
	}
	o, err := f.storage.EncodedObject(plumbing.BlobObject, hash)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
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
	if !e.Mode.IsFile() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is a directory")}
	}
	return f.blob(e.Hash, name)
}

// ReadDir implements fs.ReadDirFS.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.find("list", name)
	if err != nil {
		return nil, err
	}
	switch e.Mode {
	case filemode.Dir:
	case filemode.Submodule:
		return nil, fault.New(fault.Invalid, "list %s: it is a Git submodule, and submodules are not supported", name)
	default:
		return nil, &fs.PathError{Op: "list", Path: name, Err: fmt.Errorf("is not a directory")}
	}
	d, err := f.directory(e.Hash)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	return slices.Clone(d.entries), nil
}

// Stat implements fs.StatFS.
func (f *files) Stat(name string) (fs.FileInfo, error) {
	e, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return entry{name: path.Base(name), mode: modeOf(e.Mode), files: f, hash: e.Hash}, nil
}

// Hash implements snapshot.Hasher.
func (f *files) Hash(name string) (string, error) {
	e, err := f.find("read", name)
	if err != nil {
		return "", err
	}
	return e.Hash.String(), nil
}

func modeOf(m filemode.FileMode) fs.FileMode {
	switch m {
	case filemode.Dir, filemode.Submodule:
		return fs.ModeDir | 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Executable:
		return 0o755
	default:
		return 0o644
	}
}

// entry is both fs.DirEntry and fs.FileInfo.
type entry struct {
	name  string
	mode  fs.FileMode
	files *files
	hash  plumbing.Hash
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.mode.IsDir() }
func (e entry) Type() fs.FileMode          { return e.mode.Type() }
func (e entry) Mode() fs.FileMode          { return e.mode }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) ModTime() time.Time         { return e.files.commit.Time }
func (e entry) Sys() any                   { return nil }

func (e entry) Size() int64 {
	if e.IsDir() {
		return 0
	}
	e.files.reading.Lock()
	defer e.files.reading.Unlock()
	size, err := e.files.storage.EncodedObjectSize(e.hash)
	if err != nil {
		return 0 // what reads the file reports it
	}
	return size
}

type openFile struct {
	strings.Reader
	info fs.FileInfo
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Close() error               { return nil }

type openDir struct {
	info fs.FileInfo
	rest []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openDir) Close() error               { return nil }
func (o *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: o.info.Name(), Err: fmt.Errorf("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(o.rest) {
		if n > 0 && len(o.rest) == 0 {
			return nil, io.EOF
		}
		n = len(o.rest)
	}
	list := o.rest[:n]
	o.rest = o.rest[n:]
	return list, nil
}
