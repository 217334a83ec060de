package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Bounds of a chart's files.
const (
	maxChart      = 64 << 20
	maxChartFiles = 20_000
	maxFolders    = 64
)

// reader collects the files of a chart.
type reader struct {
	files  snapshot.FS
	dir    string
	ignore ignoreRules
	out    []*loader.BufferedFile
	total  int
}

// readAll reads a chart's files, in the order of their names.
func readAll(files snapshot.FS, dir string) ([]*loader.BufferedFile, error) {
	ignore, err := readIgnore(files, dir)
	if err != nil {
		return nil, err
	}
	r := &reader{files: files, dir: dir, ignore: ignore}
	return r.out, r.walk(dir, 0)
}

func (r *reader) walk(folder string, depth int) error {
	if depth > maxFolders {
		return fault.New(fault.Invalid, "%s: folders are more than %d deep; a link may lead in a circle", folder, maxFolders)
	}
	entries, err := r.files.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		rel := strings.TrimPrefix(name, r.dir+"/")
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := r.files.Stat(name)
			if err != nil {
				return err
			}
			isDir = info.IsDir()
		}
		if r.ignore.matches(rel, isDir) {
			continue
		}
		if isDir {
			if err := r.walk(name, depth+1); err != nil {
				return err
			}
			continue
		}
		if err := r.take(name, rel); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) take(name, rel string) error {
	data, err := r.files.ReadFile(name)
	if locked, ok := render.LockedData(err); ok && !needed(rel) {
		data, err = locked, nil
	}
	if pointer, ok := snapshot.LFSPointer(err); ok && !needed(rel) {
		data, err = pointer, nil // refused where a template puts it into an object
	}
	if err != nil {
		return err
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if r.total += len(data); r.total > maxChart || len(r.out) >= maxChartFiles {
		return fault.New(fault.Invalid, "the chart in %s is larger than %d MiB, or than %d files", r.dir, maxChart>>20, maxChartFiles)
	}
	r.out = append(r.out, &loader.BufferedFile{Name: rel, Data: data})
	if strings.HasPrefix(rel, "charts/") && path.Ext(rel) == ".tgz" {
		if err := r.weigh(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// needed tells the files that make a chart. Others only lie in its folder, as
// the encrypted values of other clusters do, and pictures for the README: they
// stay closed without a key, and pointers where they are kept by Git LFS.
func needed(rel string) bool {
	folder, _, nested := strings.Cut(rel, "/")
	if !nested {
		return strings.HasPrefix(rel, "Chart.") || strings.HasPrefix(rel, "values.") || strings.HasPrefix(rel, "requirements.")
	}
	return folder == "templates" || folder == "crds" || folder == "charts"
}

// weigh looks into a packaged chart before Helm's loader unpacks it, and the
// packaged charts in it.
func (r *reader) weigh(data []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.Wrap(fault.Invalid, err)
		}
		content, err := io.ReadAll(io.LimitReader(archive, snapshot.MaxFileSize+1))
		if err != nil {
			return fault.Wrap(fault.Invalid, err)
		}
		if r.total += len(content) + 1; r.total > maxChart || len(content) > snapshot.MaxFileSize {
			return fault.New(fault.Invalid, "it unpacks to more than %d MiB", maxChart>>20)
		}
		if path.Ext(header.Name) == ".tgz" && strings.Contains(header.Name, "/charts/") {
			if err := r.weigh(content); err != nil {
				return err
			}
		}
	}
}

// identity stands for the content of files.
func identity(content []*loader.BufferedFile) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range content {
		_, _ = fmt.Fprintf(h, "%d %s %d ", len(f.Name), f.Name, len(f.Data)) // a hash takes everything
		_, _ = h.Write(f.Data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
