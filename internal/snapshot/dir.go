package snapshot

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Dir opens a local directory as a tree without a commit. Reads are confined
// to it: a link or a path that leaves it is an error.
func Dir(root string) (Tree, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return Tree{}, err
	}
	return Tree{FS: dirFS{r.FS().(rootFS)}}, nil
}

type rootFS interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.StatFS
}

type dirFS struct{ root rootFS }

func (d dirFS) Open(name string) (fs.File, error) {
	f, err := d.root.Open(name)
	return f, escape(err)
}

func (d dirFS) Stat(name string) (fs.FileInfo, error) {
	info, err := d.root.Stat(name)
	return info, escape(err)
}

func (d dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := d.root.ReadDir(name)
	return entries, escape(err)
}

func (d dirFS) ReadFile(name string) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileSize {
		return nil, TooLarge(name)
	}
	if err := WithoutLFS(name, data); err != nil {
		return nil, err // as in a commit
	}
	return data, nil
}

// TooLarge is the error of reading a file above MaxFileSize.
func TooLarge(name string) error {
	return fault.New(fault.Invalid, "read %s: the file is larger than %d MiB", name, MaxFileSize>>20)
}

// Outside is the error of following a link out of the repository.
func Outside(name, target string) error {
	return fault.New(fault.Invalid, "read %s: the symbolic link points outside of the repository, to %s", name, target)
}

// escape names the kind of the error that os.Root gives for a path that
// leaves it, which has no exported value.
func escape(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && strings.Contains(path.Err.Error(), "escapes") {
		return fault.Wrap(fault.Invalid, err)
	}
	return err
}
