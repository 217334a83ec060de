package helm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// valueFile is a file, or a pattern for several, that a source names.
type valueFile struct {
	written string // as the user wrote it
	files   snapshot.FS
	ref     string // of another source's tree; empty is the source's own
	path    string // from that tree's root
	url     string // of a file on a web server; empty for all others
}

// locate finds what a name stands for: "$ref/path" is in another source's
// tree, "/path" in the source's own, a URL is a file on a web server, and all
// else beside the chart. The build environment is filled in first, but for the
// ref.
func locate(ctx context.Context, req render.Request, written string) (valueFile, error) {
	at := valueFile{written: written, files: req.Tree.FS}
	name := written
	base := req.Path()
	if ref, rest, ok := cutRef(written); ok {
		tree, known := req.Refs[ref]
		if known {
			at.files, at.ref, name, base = tree.FS, ref, "/"+rest, "."
		} else if !strings.HasPrefix(ref, "ARGOCD_") && !strings.HasPrefix(ref, "KUBE_") {
			return at, fault.New(fault.Missing, "%s: the application has no source with the ref %q", written, ref)
		}
	}
	name = req.Expand(name)
	if strings.Trim(name, "/") == "" {
		return at, fault.New(fault.Invalid, "%q names no file", written)
	}
	if strings.Contains(name, "://") && at.ref == "" {
		return at.fetch(ctx, req, name)
	}
	if rooted, ok := strings.CutPrefix(name, "/"); ok {
		base, name = ".", strings.TrimLeft(rooted, "/")
	}
	at.path = path.Join(base, name)
	if !fs.ValidPath(at.path) {
		return at, fault.New(fault.Invalid, "%s leaves the repository", written)
	}
	return at, nil
}

// fetch opens a file on a web server, if that is permitted.
func (v valueFile) fetch(ctx context.Context, req render.Request, url string) (valueFile, error) {
	v.written, v.url = repourl.Redact(v.written), url
	if req.More == nil {
		return v, fault.New(fault.Denied, "%s: nothing is fetched here; put the file into a repository, and name that as a source with a ref", v.written)
	}
	at := snapshot.Location{RepoURL: url, File: true}
	tree, err := req.More.Tree(ctx, at)
	if err != nil {
		return v, err // which names the URL
	}
	v.files, v.path = tree.FS, at.FileName()
	return v, nil
}

// name is what people know the file by.
func (v valueFile) name() string {
	if v.url != "" {
		return repourl.Redact(v.url)
	}
	return v.path
}

func cutRef(name string) (ref, rest string, ok bool) {
	after, ok := strings.CutPrefix(name, "$")
	if !ok || strings.HasPrefix(after, "{") || strings.HasPrefix(after, "$") {
		return "", "", false
	}
	ref, rest, _ = strings.Cut(after, "/")
	return ref, rest, true
}

func (v valueFile) isPattern() bool { return v.url == "" && strings.ContainsAny(v.path, "*?[{") }

func (v valueFile) same(other valueFile) bool {
	return v.ref == other.ref && v.path == other.path && v.url == other.url
}

// read returns nothing for a file that is not there, where that is allowed.
func (v valueFile) read(optional bool) ([]byte, error) {
	data, err := v.files.ReadFile(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		if optional {
			return nil, nil
		}
		return nil, fault.New(fault.Missing, "%s is not in the %s", v.path, v.owner())
	}
	return data, err
}

func (v valueFile) owner() string {
	if v.ref != "" {
		return "source with the ref " + v.ref
	}
	return "repository"
}

// expand replaces patterns by the files that match, in the order of their
// names. A file counts once: where it is named by itself, or else where the
// first pattern finds it.
func expand(named []valueFile, optional bool) ([]valueFile, error) {
	var out []valueFile
	var failures []error
	taken := func(v valueFile, in []valueFile) bool {
		return slices.ContainsFunc(in, func(o valueFile) bool { return !o.isPattern() && o.same(v) })
	}
	for _, v := range named {
		if !v.isPattern() {
			out = append(out, v)
			continue
		}
		if !doublestar.ValidatePattern(v.path) {
			failures = append(failures, fault.New(fault.Invalid, "%s is no valid pattern", v.written))
			continue
		}
		found, err := doublestar.Glob(v.files, v.path, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", v.written, err))
			continue
		}
		if len(found) == 0 && !optional {
			failures = append(failures, fault.New(fault.Missing, "%s: no file in the %s matches", v.written, v.owner()))
		}
		slices.Sort(found)
		for _, name := range found {
			one := v
			one.path = name
			if !taken(one, named) && !slices.ContainsFunc(out, one.same) {
				out = append(out, one)
			}
		}
	}
	return out, errors.Join(failures...)
}
