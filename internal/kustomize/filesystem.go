package kustomize

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// errReadOnly answers every attempt to write: a commit does not change.
var errReadOnly = errors.New("the files of a commit cannot be written")

// fileSystem shows a tree to kustomize, rooted at "/". overlay holds files
// that take the place of the tree's.
type fileSystem struct {
	tree    snapshot.FS
	overlay map[string][]byte
}

var _ filesys.FileSystem = fileSystem{}

// inTree turns kustomize's path into the tree's.
func inTree(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

func (f fileSystem) ReadFile(name string) ([]byte, error) {
	if data, ok := f.overlay[inTree(name)]; ok {
		return data, nil
	}
	return f.tree.ReadFile(inTree(name))
}

func (f fileSystem) IsDir(name string) bool {
	info, err := f.tree.Stat(inTree(name))
	return err == nil && info.IsDir()
}

func (f fileSystem) Exists(name string) bool {
	if _, ok := f.overlay[inTree(name)]; ok {
		return true
	}
	_, err := f.tree.Stat(inTree(name))
	return err == nil
}

func (f fileSystem) ReadDir(name string) ([]string, error) {
	entries, err := f.tree.ReadDir(inTree(name))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (f fileSystem) Glob(pattern string) ([]string, error) {
	matches, err := fs.Glob(f.tree, inTree(pattern))
	for i, m := range matches {
		matches[i] = "/" + m
	}
	return matches, err
}

// CleanedAbs splits a path into folder and file, as kustomize wants it.
func (f fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean := inTree(name)
	if f.IsDir(clean) {
		return filesys.ConfirmedDir("/" + strings.TrimPrefix(clean, ".")), "", nil
	}
	if !f.Exists(clean) {
		// The error tells a link that leaves the tree from an absent file.
		_, err := f.tree.Stat(clean)
		return "", "", err
	}
	dir, file := path.Split("/" + clean)
	return filesys.ConfirmedDir(path.Clean(dir)), file, nil
}

func (f fileSystem) Walk(root string, walk filepath.WalkFunc) error {
	return fs.WalkDir(f.tree, inTree(root), func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return walk("/"+name, nil, err)
		}
		info, err := entry.Info()
		return walk("/"+name, info, err)
	})
}

func (fileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (fileSystem) Mkdir(string) error                  { return errReadOnly }
func (fileSystem) MkdirAll(string) error               { return errReadOnly }
func (fileSystem) RemoveAll(string) error              { return errReadOnly }
func (fileSystem) WriteFile(string, []byte) error      { return errReadOnly }
func (f fileSystem) Open(string) (filesys.File, error) { return nil, errReadOnly }
