package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Bounds of an archive. What is larger was not made by a person who wanted it
// applied to a cluster.
const (
	maxArchive  = 64 << 20
	maxUnpacked = 128 << 20
	maxEntries  = 20_000
	maxDepth    = 64
)

// unpack reads a tar archive, gzipped or not, into memory. chart takes the
// first folder off every name, as it stands in the archives that Helm makes.
// Links are refused: charts are packaged without them, and a link is the
// classic way out of a folder.
func unpack(data []byte, chart bool) (*files, error) {
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("unzip the archive: %w", err))
		}
		in = unzipped
	}
	// Headers count as well: an archive of nothing but names is a bomb too.
	limited := &io.LimitedReader{R: in, N: maxUnpacked + 1}
	out := newFiles()
	archive := tar.NewReader(limited)
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if limited.N <= 0 {
			return nil, fault.New(fault.Invalid, "the archive unpacks to more than %d MiB", maxUnpacked>>20)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("read the archive: %w", err))
		}
		if entries >= maxEntries {
			return nil, fault.New(fault.Invalid, "the archive holds more than %d files", maxEntries)
		}
		err = out.take(archive, header, chart)
		if limited.N <= 0 {
			continue // it is said above
		}
		if err != nil {
			return nil, err
		}
	}
	if len(out.nodes) == 1 {
		return nil, fault.New(fault.Invalid, "the archive holds no files")
	}
	out.seal()
	return out, nil
}

func (f *files) take(content io.Reader, header *tar.Header, chart bool) error {
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg:
	case tar.TypeSymlink, tar.TypeLink:
		return fault.New(fault.Invalid, "the archive holds the link %q, to %q: links are refused", header.Name, header.Linkname)
	default:
		return fault.New(fault.Invalid, "the archive holds %q, which is no ordinary file", header.Name)
	}
	name, err := inside(header.Name, chart)
	if err != nil {
		return err
	}
	if header.Size > snapshot.MaxFileSize {
		return snapshot.TooLarge(name)
	}
	data, err := io.ReadAll(io.LimitReader(content, snapshot.MaxFileSize))
	if err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("read %s in the archive: %w", name, err))
	}
	if err := f.add(name, data); err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("%s in the archive: %w", name, err))
	}
	if f.size > maxUnpacked { // a sparse file takes no room in the archive
		return fault.New(fault.Invalid, "the archive unpacks to more than %d MiB", maxUnpacked>>20)
	}
	return nil
}

// inside gives the name a file of an archive has in the tree.
func inside(raw string, chart bool) (string, error) {
	refused := func() (string, error) {
		return "", fault.New(fault.Invalid, "the archive holds the name %q, which leaves it", raw)
	}
	name := raw
	if chart && !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, `\`, "/") // made on Windows
	}
	if strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\x00\\") {
		return refused()
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return refused()
		}
	}
	name = path.Clean(name)
	if chart {
		_, rest, ok := strings.Cut(name, "/")
		if !ok {
			return "", fault.New(fault.Invalid, "the archive is no chart: %q is not in a folder", raw)
		}
		name = rest
	}
	if name == "." || !fs.ValidPath(name) || strings.Count(name, "/") > maxDepth {
		return refused()
	}
	return name, nil
}
