// Package search finds the documents of Applications and ApplicationSets in the
// files of a repository.
//
// It does not know what a preview is, nor what the documents are for.
package search

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// File is a file that may hold such documents.
type File struct {
	Name string
	Docs document.Documents
	// Err names the documents that cannot be read; Docs are the others.
	Err error
}

// In finds them below some paths of a tree, each a file or a folder, in the
// order of their names. Missing are the paths that are not there.
func In(ctx context.Context, files snapshot.FS, paths []string) (found []File, missing []string, err error) {
	seen := map[string]bool{}
	for _, root := range paths {
		err := fs.WalkDir(files, path.Clean(root), func(name string, e fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist) && name == path.Clean(root):
				missing = append(missing, root)
				return nil
			case err != nil:
				return err
			case e.IsDir() || !e.Type().IsRegular() || !isDocument(name) || seen[name]:
				return nil
			}
			seen[name] = true
			f, err := read(files, name)
			if f != nil {
				found = append(found, *f)
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return found, missing, nil
}

func isDocument(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// read reads a file; nil is that it holds nothing of interest.
func read(files snapshot.FS, name string) (*File, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		if fault.Of(err) == fault.Invalid {
			return nil, nil // too large to be of interest
		}
		return nil, err
	}
	if !bytes.Contains(data, []byte("Application")) || !bytes.Contains(data, []byte("argoproj.io/")) && !bytes.Contains(data, []byte(v1alpha1.GroupVersion().Group)) {
		return nil, nil
	}
	docs, err := document.Decode(data, name)
	return &File{name, docs, err}, nil
}
