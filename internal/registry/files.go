package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// files is an archive in memory as a snapshot.FS. It never changes.
type files struct {
	nodes map[string]*node // by path; "." is the root
	size  int64
}

type node struct {
	name string
	data []byte
	id   string  // of a file's content
	kids []*node // of a folder, by name
	dir  bool
}

var (
	_ snapshot.FS     = (*files)(nil)
	_ snapshot.Hasher = (*files)(nil)
)

func newFiles() *files {
	return &files{nodes: map[string]*node{".": {name: ".", dir: true}}}
}

var errBoth = errors.New("is both a file and a folder")

// add puts a file into the tree, with the folders above it. The last of two
// with one name wins, as it does when an archive is unpacked.
func (f *files) add(name string, data []byte) error {
	sum := sha256.Sum256(data)
	leaf := &node{name: path.Base(name), data: data, id: hex.EncodeToString(sum[:16])}
	if old, ok := f.nodes[name]; ok {
		if old.dir {
			return errBoth
		}
		f.size += int64(len(data) - len(old.data))
		old.data, old.id = leaf.data, leaf.id
		return nil
	}
	parent, err := f.folder(path.Dir(name))
	if err != nil {
		return err
	}
	parent.kids = append(parent.kids, leaf)
	f.nodes[name] = leaf
	f.size += int64(len(data))
	return nil
}

func (f *files) folder(name string) (*node, error) {
	if n, ok := f.nodes[name]; ok {
		if !n.dir {
			return nil, errBoth
		}
		return n, nil
	}
	parent, err := f.folder(path.Dir(name))
	if err != nil {
		return nil, err
	}
	n := &node{name: path.Base(name), dir: true}
	parent.kids = append(parent.kids, n)
	f.nodes[name] = n
	return n, nil
}

// seal sorts folders: nothing is added afterwards.
func (f *files) seal() {
	for _, n := range f.nodes {
		slices.SortFunc(n.kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	}
}

func (f *files) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, ok := f.nodes[name]
	if !ok {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	n, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &openDir{n, n.entries()}, nil
	}
	return &openFile{n, bytes.NewReader(n.data)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (f *files) ReadFile(name string) ([]byte, error) {
	n, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return slices.Clone(n.data), nil
}

// ReadDir implements fs.ReadDirFS.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("list", name)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "list", Path: name, Err: errors.New("is not a directory")}
	}
	return n.entries(), nil
}

// Stat implements fs.StatFS.
func (f *files) Stat(name string) (fs.FileInfo, error) { return f.find("stat", name) }

// Hash implements snapshot.Hasher.
func (f *files) Hash(name string) (string, error) {
	n, err := f.find("read", name)
	if err != nil {
		return "", err
	}
	if n.dir {
		return "", &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return n.id, nil
}

func (n *node) entries() []fs.DirEntry {
	out := make([]fs.DirEntry, len(n.kids))
	for i, kid := range n.kids {
		out[i] = kid
	}
	return out
}

// A node is both fs.DirEntry and fs.FileInfo.

func (n *node) Name() string               { return n.name }
func (n *node) IsDir() bool                { return n.dir }
func (n *node) Type() fs.FileMode          { return n.Mode().Type() }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }
func (n *node) ModTime() time.Time         { return time.Time{} }
func (n *node) Size() int64                { return int64(len(n.data)) }
func (n *node) Sys() any                   { return nil }
func (n *node) Mode() fs.FileMode {
	if n.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

type openFile struct {
	node *node
	*bytes.Reader
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.node, nil }
func (o *openFile) Close() error               { return nil }

type openDir struct {
	node *node
	rest []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.node, nil }
func (o *openDir) Close() error               { return nil }
func (o *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: o.node.name, Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(o.rest)
	} else if len(o.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(o.rest))
	list := o.rest[:n]
	o.rest = o.rest[n:]
	return list, nil
}
