package git

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/git/pack"
)

// entry is both fs.DirEntry and fs.FileInfo.
type entry struct {
	name  string
	found found
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.found.dir() }
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) ModTime() time.Time         { return e.found.files.commit.Time }
func (e entry) Sys() any                   { return nil }

func (e entry) Mode() fs.FileMode {
	switch {
	case e.IsDir():
		return fs.ModeDir | 0o755
	case e.found.Mode == pack.ModeSymlink:
		return fs.ModeSymlink | 0o777
	case e.found.Mode&0o100 != 0:
		return 0o755
	default:
		return 0o644
	}
}

func (e entry) Size() int64 {
	if e.IsDir() {
		return 0
	}
	size, err := e.found.files.objects.Size(e.found.Hash)
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
