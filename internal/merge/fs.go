package merge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// side tells where something comes from.
type side int

const (
	oursSide side = iota + 1
	theirsSide
	// mixed is of both: a folder that was merged, or a file whose lines were.
	mixed
)

// folder is one that was merged.
type folder struct {
	entries []fs.DirEntry
	from    map[string]side
}

// merged is the files of a merge. What one side has unchanged is read there.
type merged struct {
	folders      map[string]*folder
	files        map[string][]byte
	ours, theirs snapshot.FS
}

var (
	_ snapshot.FS         = (*merged)(nil)
	_ snapshot.Hasher     = (*merged)(nil)
	_ snapshot.Sealer     = (*merged)(nil)
	_ snapshot.Restricter = (*merged)(nil)
)

// Sealed implements snapshot.Sealer.
func (m *merged) Sealed() snapshot.FS {
	return &merged{folders: m.folders, files: m.files, ours: snapshot.Seal(m.ours), theirs: snapshot.Seal(m.theirs)}
}

// Restricted implements snapshot.Restricter.
func (m *merged) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return &merged{folders: m.folders, files: m.files, ours: snapshot.Restrict(m.ours, may), theirs: snapshot.Restrict(m.theirs, may)}
}

// at finds the side that has a path; nil where it is of both, or of none: then
// the path is a merged folder or file, or is not there.
func (m *merged) at(name string) snapshot.FS {
	dir := "."
	for rest := name; rest != "" && rest != "."; {
		f := m.folders[dir]
		if f == nil {
			return nil
		}
		first, after, _ := strings.Cut(rest, "/")
		switch f.from[first] {
		case oursSide:
			return m.ours
		case theirsSide:
			return m.theirs
		case mixed:
		default:
			return nil
		}
		dir, rest = path.Join(dir, first), after
	}
	return nil
}

// Open implements fs.FS.
func (m *merged) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if from := m.at(name); from != nil {
		return from.Open(name)
	}
	if f := m.folders[name]; f != nil {
		return &openFolder{info: info{name: path.Base(name), dir: true}, entries: f.entries}, nil
	}
	if data, ok := m.files[name]; ok {
		return &openFile{Reader: bytes.NewReader(data), info: info{name: path.Base(name), size: int64(len(data))}}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements fs.ReadFileFS.
func (m *merged) ReadFile(name string) ([]byte, error) {
	if from := m.at(name); from != nil {
		return from.ReadFile(name)
	}
	if data, ok := m.files[name]; ok {
		return slices.Clone(data), nil
	}
	if m.folders[name] != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is a directory")}
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS.
func (m *merged) ReadDir(name string) ([]fs.DirEntry, error) {
	if from := m.at(name); from != nil {
		return from.ReadDir(name)
	}
	if f := m.folders[name]; f != nil {
		return slices.Clone(f.entries), nil
	}
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
}

// Stat implements fs.StatFS.
func (m *merged) Stat(name string) (fs.FileInfo, error) {
	if from := m.at(name); from != nil {
		return from.Stat(name)
	}
	return m.describe(name)
}

// describe tells what is known of what is of both sides.
func (m *merged) describe(name string) (fs.FileInfo, error) {
	if m.folders[name] != nil {
		return info{name: path.Base(name), dir: true}, nil
	}
	if data, ok := m.files[name]; ok {
		return info{name: path.Base(name), size: int64(len(data))}, nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// Hash implements snapshot.Hasher. A merged folder's is made of what is in it.
func (m *merged) Hash(name string) (string, error) {
	if from := m.at(name); from != nil {
		h, ok := from.(snapshot.Hasher)
		if !ok {
			return "", fmt.Errorf("hash %s: the tree has no ids", name)
		}
		return h.Hash(name)
	}
	if data, ok := m.files[name]; ok {
		// As Git does, so that a merge that ends where a side began is the same.
		sum := sha256.Sum256(fmt.Appendf(nil, "blob %d\x00%s", len(data), data))
		return hex.EncodeToString(sum[:20]), nil
	}
	f := m.folders[name]
	if f == nil {
		return "", &fs.PathError{Op: "hash", Path: name, Err: fs.ErrNotExist}
	}
	sum := sha256.New()
	for _, e := range f.entries {
		id, err := m.Hash(path.Join(name, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %s %s\n", e.Type(), id, e.Name())
	}
	return hex.EncodeToString(sum.Sum(nil)[:20]), nil
}

// info is what is known of a merged file or folder.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

// Mode implements fs.FileInfo.
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

type openFile struct {
	*bytes.Reader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	info    info
	entries []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }

// Read implements fs.File.
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fmt.Errorf("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		all := f.entries
		f.entries = nil
		return all, nil
	}
	if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	some := f.entries[:n]
	f.entries = f.entries[n:]
	return some, nil
}
