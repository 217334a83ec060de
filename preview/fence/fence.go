// Package fence closes trees but for some paths.
//
// It does not know who may open what.
package fence

import (
	"context"
	"io/fs"
	"path"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Open is what can be asked for of a tree.
type Open struct {
	Paths map[string]bool
	// Folders are open with all that is below; the root is none.
	Folders map[string]bool
	// Place is what errors call the tree.
	Place string
}

// Around is a tree of which some paths can be asked for. Others are errors of
// the kind Denied.
func Around(files snapshot.FS, open Open) snapshot.FS {
	s := some{files, open}
	if h, ok := files.(snapshot.Hasher); ok {
		return someHashed{s, h}
	}
	return s
}

type some struct {
	files snapshot.FS
	open  Open
}

type someHashed struct {
	some
	hasher snapshot.Hasher
}

func (s some) check(name string) error {
	if s.open.Paths[path.Clean(name)] {
		return nil
	}
	for at := path.Clean(name); at != "." && at != "/"; at = path.Dir(at) {
		if s.open.Folders[at] {
			return nil
		}
	}
	return fault.New(fault.Denied, "not rendered, for the change is not trusted: it reads %s of %s, which base does not", name, s.open.Place)
}

// Restricted implements snapshot.Restricter.
func (s some) Restricted(may func(ctx context.Context, url string) error) snapshot.FS {
	return Around(snapshot.Restrict(s.files, may), s.open)
}

// Open implements fs.FS.
func (s some) Open(name string) (fs.File, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	return s.files.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (s some) ReadFile(name string) ([]byte, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	return s.files.ReadFile(name)
}

// ReadDir implements fs.ReadDirFS.
func (s some) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	return s.files.ReadDir(name)
}

// Stat implements fs.StatFS.
func (s some) Stat(name string) (fs.FileInfo, error) {
	if err := s.check(name); err != nil {
		return nil, err
	}
	return s.files.Stat(name)
}

// Hash implements snapshot.Hasher.
func (s someHashed) Hash(name string) (string, error) {
	if err := s.check(name); err != nil {
		return "", err
	}
	return s.hasher.Hash(name)
}
