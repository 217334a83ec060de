package jsonnet

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// importer finds what files import: beside the importing file, then in the
// libraries, the last one first, then in the source's folder. That is the
// order of Argo CD.
type importer struct {
	files  snapshot.FS
	folder string
	libs   []string
}

func newImporter(req render.Request) (importer, error) {
	im := importer{files: req.Tree.FS, folder: req.Path()}
	for _, lib := range req.Source.Directory.Jsonnet.Libs {
		dir := path.Clean(strings.TrimPrefix(lib, "/")) // from the root of the repository
		if !fs.ValidPath(dir) {
			return im, fault.New(fault.Invalid, "directory.jsonnet.libs: %q leaves the repository", lib)
		}
		im.libs = append(im.libs, dir)
	}
	return im, nil
}

// find returns the content of what is imported, and its path.
func (im importer) find(w wanted) ([]byte, string, error) {
	if path.IsAbs(w.Path) {
		return nil, "", fault.New(fault.Invalid, "import %q: the path is absolute; name it relative to the file, or to a folder of directory.jsonnet.libs", w.Path)
	}
	var dirs []string
	if w.From != "" { // nothing: the value of a variable
		dirs = append(dirs, path.Dir(w.From))
	}
	for i := len(im.libs) - 1; i >= 0; i-- {
		dirs = append(dirs, im.libs[i])
	}
	outside := 0
	dirs = append(dirs, im.folder)
	for _, dir := range dirs {
		name := path.Join(dir, w.Path)
		if !fs.ValidPath(name) {
			outside++
			continue
		}
		data, err := im.files.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return data, name, err
	}
	if outside == len(dirs) {
		return nil, "", fault.New(fault.Invalid, "import %q: the path leaves the repository", w.Path)
	}
	return nil, "", fault.New(fault.Missing, "import %q: there is no such file beside the importing one, in directory.jsonnet.libs or in the source's folder", w.Path)
}
