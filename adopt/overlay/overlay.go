package overlay

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Tree names the files of one repository at one revision.
type Tree struct{ RepoURL, Revision string }

// Files is the content of changed files; nil is a file that is not there.
type Files map[Tree]map[string][]byte

// With is a copy in which a file has another content.
func (f Files) With(at Tree, name string, data []byte) Files {
	out := make(Files, len(f)+1)
	maps.Copy(out, f)
	out[at] = maps.Clone(f[at])
	if out[at] == nil {
		out[at] = map[string][]byte{}
	}
	out[at][name] = data
	return out
}

// Over is a tree with the changed files in it.
func (f Files) Over(at Tree, files snapshot.FS) snapshot.FS {
	if len(f[at]) == 0 {
		return files
	}
	return changed{files, f[at]}
}

// changed is a tree with other content in some files.
type changed struct {
	snapshot.FS
	files map[string][]byte
}

// Restricted implements snapshot.Restricter.
func (c changed) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return changed{snapshot.Restrict(c.FS, may), c.files}
}

func (c changed) ReadFile(name string) ([]byte, error) {
	data, there := c.files[name]
	switch {
	case !there:
		return c.FS.ReadFile(name)
	case data == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(data), nil
}

func (c changed) Stat(name string) (fs.FileInfo, error) {
	data, there := c.files[name]
	switch {
	case !there:
		return c.FS.Stat(name)
	case data == nil:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info{path.Base(name), int64(len(data))}, nil
}

func (c changed) Open(name string) (fs.File, error) {
	data, there := c.files[name]
	switch {
	case !there:
		return c.FS.Open(name)
	case data == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return file{bytes.NewReader(data), info{path.Base(name), int64(len(data))}}, nil
}

func (c changed) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := c.FS.ReadDir(name)
	if err != nil {
		return nil, err
	}
	entries = slices.Clone(entries)
	for changedName, data := range c.files {
		dir, base := path.Split(changedName)
		if cmp.Or(strings.TrimSuffix(dir, "/"), ".") != path.Clean(name) {
			continue
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == base })
		switch {
		case data == nil && i >= 0:
			entries = slices.Delete(entries, i, i+1)
		case data != nil && i < 0:
			entries = append(entries, info{base, int64(len(data))})
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// info is of a changed file: both fs.FileInfo and fs.DirEntry.
type info struct {
	name string
	size int64
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return 0o644 }
func (i info) Type() fs.FileMode          { return 0 }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return false }
func (i info) Sys() any                   { return nil }
func (i info) Info() (fs.FileInfo, error) { return i, nil }

type file struct {
	*bytes.Reader
	info
}

func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f file) Close() error               { return nil }
func (f file) Size() int64                { return f.size }
