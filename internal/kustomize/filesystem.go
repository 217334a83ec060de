package kustomize

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/trueup-dev/trueup/internal/fault"
)

// errReadOnly answers every attempt to write: a commit does not change.
var errReadOnly = errors.New("the files of a commit cannot be written")

// maxRead bounds the bytes that one build reads, a file as often as it is
// read; maxReads is the number of times.
const (
	maxRead  = 64 << 20
	maxReads = 50_000
	maxGrown = 256 << 20
)

// fileSystem shows trees to kustomize: the source's own at "/", and further
// ones below mountFolder. overlay holds files that take the place of theirs.
// A build cannot be stopped from outside: reading fails once the context is
// done, or more was read than any repository needs.
type fileSystem struct {
	ctx     context.Context
	mounts  []mount
	overlay map[string][]byte
	read    map[string]*content
	size    int
	failed  error
	reads   int
	nodes   int
	// text are the files that generators take, yaml those that anybody reads
	// as YAML.
	text, yaml map[string]bool

	// What replacements and vars could make of the largest file.
	doubling, largest, references int
	vars                          bool
	values                        map[string]int // the longest value of a file

	// sealed lets no kustomization through that was not walked.
	sealed bool
}

// content is what a tree answered.
type content struct {
	data []byte
	err  error

	counted int   // the nodes in it
	judged  bool  // whether refused is known
	refused error // why it is too large as YAML
}

var _ filesys.FileSystem = &fileSystem{}

// inTree turns kustomize's path into the one from the root.
func inTree(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// absolute is inTree's reverse.
func absolute(name string) string { return path.Join("/", name) }

// inside finds the tree that holds a path, and the path in it.
func (f *fileSystem) inside(name string) (mount, string, error) {
	if name != ".git" && !strings.HasPrefix(name, ".git/") {
		return f.mounts[0], name, nil
	}
	for _, m := range f.mounts[1:] {
		if rest, ok := strings.CutPrefix(name+"/", m.root+"/"); ok {
			return m, inTree(rest), nil
		}
	}
	return mount{}, "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile remembers the first error that is more than an absent file:
// kustomize tries the path as a folder then, and tells about that.
func (f *fileSystem) ReadFile(name string) ([]byte, error) {
	name = inTree(name)
	data, err := f.charged(name)
	if err != nil && f.failed == nil && !errors.Is(err, fs.ErrNotExist) && !f.IsDir(name) {
		f.failed = err
	}
	return data, err
}

// charged reads within what one build may read.
func (f *fileSystem) charged(name string) ([]byte, error) {
	data, err := f.content(name)
	if err != nil {
		return nil, err
	}
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	if _, ok := f.overlay[name]; f.sealed && !ok && slices.Contains(names(), path.Base(name)) {
		return nil, fault.New(fault.Invalid, "%s cannot be used as anything but a kustomization", f.title(name))
	}
	f.size += len(data)
	if f.reads++; f.reads > maxReads || f.size > maxRead {
		return nil, fault.New(fault.Invalid, "building reads more than %d files or %d MiB", maxReads, maxRead>>20)
	}
	if !f.isText(name) {
		if err := f.parse(name, data); err != nil {
			return nil, err
		}
	}
	return data, f.bounded(data)
}

// bounded refuses more when what was read may grow beyond all measure: in a
// field that replacements double, or where vars stand for it.
func (f *fileSystem) bounded(data []byte) error {
	f.largest = max(f.largest, len(data))
	if f.doubling > 0 && f.largest<<f.doubling > maxGrown {
		return fault.New(fault.Invalid, "%d replacements copy from fields that replacements change in part, and a file has %d KiB: the result could double each time",
			f.doubling, f.largest>>10)
	}
	if !f.vars {
		return nil
	}
	if f.references += bytes.Count(data, []byte("$(")); f.references*f.largest <= maxGrown {
		return nil
	}
	if longest := f.longest(); f.references*longest > maxGrown {
		return fault.New(fault.Invalid, "vars stand in %d places, and a value has %d KiB: the result could be larger than %d MiB",
			f.references, longest>>10, maxGrown>>20)
	}
	return nil
}

// longest is the length of the longest value in what was read so far.
func (f *fileSystem) longest() int {
	longest := 0
	for name, known := range f.read {
		if _, ok := f.values[name]; !ok {
			f.values[name] = len(known.data) // of YAML that is too much to look into
			if known.nodes() <= maxNodes {
				f.values[name] = longestValue(known.data)
			}
		}
		longest = max(longest, f.values[name])
	}
	return longest
}

// anew forgets what a build has read: another one may read as much.
func (f *fileSystem) anew() { f.size, f.reads, f.nodes, f.references = 0, 0, 0, 0 }

// content asks the tree once.
func (f *fileSystem) content(name string) ([]byte, error) {
	if data, ok := f.overlay[name]; ok {
		return data, nil
	}
	if known, ok := f.read[name]; ok {
		return known.data, known.err
	}
	m, rest, err := f.inside(name)
	var data []byte
	if err == nil {
		data, err = m.tree.FS.ReadFile(rest)
	}
	f.read[name] = &content{data: data, err: err}
	return data, err
}

func (f *fileSystem) stat(name string) (fs.FileInfo, error) {
	m, rest, err := f.inside(inTree(name))
	if err != nil {
		return nil, err
	}
	return m.tree.FS.Stat(rest)
}

func (f *fileSystem) IsDir(name string) bool {
	info, err := f.stat(name)
	return err == nil && info.IsDir()
}

func (f *fileSystem) Exists(name string) bool {
	if _, ok := f.overlay[inTree(name)]; ok {
		return true
	}
	_, err := f.stat(name)
	return err == nil
}

func (f *fileSystem) ReadDir(name string) ([]string, error) {
	m, rest, err := f.inside(inTree(name))
	if err != nil {
		return nil, err
	}
	entries, err := m.tree.FS.ReadDir(rest)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// Glob looks into the source's own tree only.
func (f *fileSystem) Glob(pattern string) ([]string, error) {
	matches, err := fs.Glob(f.mounts[0].tree.FS, inTree(pattern))
	for i, m := range matches {
		matches[i] = "/" + m
	}
	return matches, err
}

// CleanedAbs splits a path into folder and file, as kustomize wants it.
func (f *fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean := inTree(name)
	info, err := f.stat(clean)
	switch {
	case err != nil:
		// The error tells a link that leaves the tree from an absent file.
		return "", "", err
	case info.IsDir():
		return filesys.ConfirmedDir(absolute(clean)), "", nil
	}
	dir, file := path.Split("/" + clean)
	return filesys.ConfirmedDir(path.Clean(dir)), file, nil
}

// Walk is for plugins, which are off.
func (f *fileSystem) Walk(string, filepath.WalkFunc) error {
	return errors.New("folders are not walked")
}

// title is how a path is told to people.
func (f *fileSystem) title(name string) string {
	m, rest, err := f.inside(name)
	if err != nil || m.root == "" {
		return name
	}
	return m.title() + "//" + rest
}

func (*fileSystem) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (*fileSystem) Mkdir(string) error                  { return errReadOnly }
func (*fileSystem) MkdirAll(string) error               { return errReadOnly }
func (*fileSystem) RemoveAll(string) error              { return errReadOnly }
func (*fileSystem) WriteFile(string, []byte) error      { return errReadOnly }
func (*fileSystem) Open(string) (filesys.File, error)   { return nil, errReadOnly }
