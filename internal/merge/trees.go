package merge

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Result is the files of a merge.
type Result struct {
	FS snapshot.FS
	// Conflicts are paths that both sides changed in ways that do not go
	// together, sorted; they are as theirs has them.
	Conflicts []string
}

// Trees merges what two sides made of base; theirs is the change. It reads the
// folders and files that both sides changed, and no others.
func Trees(base, ours, theirs snapshot.FS) (Result, error) {
	m := merger{base: base, ours: ours, theirs: theirs, out: &merged{folders: map[string]*folder{}, files: map[string][]byte{}, ours: ours, theirs: theirs}}
	if err := m.folder("."); err != nil {
		return Result{}, err
	}
	slices.Sort(m.conflicts)
	return Result{FS: m.out, Conflicts: m.conflicts}, nil
}

type merger struct {
	base, ours, theirs snapshot.FS
	out                *merged
	conflicts          []string
}

// folder merges one that both sides may have changed.
func (m *merger) folder(at string) error {
	base, err := list(m.base, at)
	if err != nil {
		return err
	}
	ours, err := list(m.ours, at)
	if err != nil {
		return err
	}
	theirs, err := list(m.theirs, at)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, l := range []map[string]fs.DirEntry{base, ours, theirs} {
		for name := range l {
			names[name] = true
		}
	}
	out := &folder{from: map[string]side{}}
	m.out.folders[at] = out
	for _, name := range slices.Sorted(maps.Keys(names)) {
		took, err := m.entry(path.Join(at, name), three{base[name], ours[name], theirs[name]})
		if err != nil {
			return err
		}
		switch {
		case took == mixed:
			e := m.mixed(path.Join(at, name))
			if e == nil {
				continue // each side deleted a part of it
			}
			out.entries = append(out.entries, e)
		case took == theirsSide && theirs[name] != nil:
			out.entries = append(out.entries, theirs[name])
		case took == oursSide && ours[name] != nil:
			out.entries = append(out.entries, ours[name])
		}
		out.from[name] = took
	}
	return nil
}

// mixed describes what was merged; nil is a folder in which nothing is left.
func (m *merger) mixed(at string) fs.DirEntry {
	if f := m.out.folders[at]; f != nil && len(f.entries) == 0 {
		delete(m.out.folders, at)
		return nil
	}
	info, err := m.out.describe(at)
	if err != nil {
		return nil
	}
	return fs.FileInfoToDirEntry(info)
}

type three struct{ base, ours, theirs fs.DirEntry }

// entry decides where a name comes from.
func (m *merger) entry(at string, e three) (side, error) {
	base, err := id(m.base, at, e.base)
	if err != nil {
		return 0, err
	}
	ours, err := id(m.ours, at, e.ours)
	if err != nil {
		return 0, err
	}
	theirs, err := id(m.theirs, at, e.theirs)
	if err != nil {
		return 0, err
	}
	switch {
	case ours == theirs, base == theirs:
		return oursSide, nil
	case base == ours:
		return theirsSide, nil
	case isDir(e.ours) && isDir(e.theirs):
		return mixed, m.folder(at)
	case isFile(e.base) && isFile(e.ours) && isFile(e.theirs):
		return m.file(at)
	}
	m.conflicts = append(m.conflicts, at)
	return theirsSide, nil
}

func (m *merger) file(at string) (side, error) {
	var texts [3][]byte
	for i, files := range []snapshot.FS{m.base, m.ours, m.theirs} {
		data, err := files.ReadFile(at)
		if err != nil {
			return 0, fmt.Errorf("merge %s: %w", at, err)
		}
		texts[i] = data
	}
	text, ok := Lines(texts[0], texts[1], texts[2])
	if !ok {
		m.conflicts = append(m.conflicts, at)
		return theirsSide, nil
	}
	m.out.files[at] = text
	return mixed, nil
}

func isDir(e fs.DirEntry) bool { return e != nil && e.IsDir() }

func isFile(e fs.DirEntry) bool { return e != nil && e.Type().IsRegular() }

// list is a folder by names; one that is not there, or is a file, has none.
func list(files snapshot.FS, at string) (map[string]fs.DirEntry, error) {
	info, err := files.Stat(at)
	if err != nil || !info.IsDir() {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	entries, err := files.ReadDir(at)
	if err != nil {
		return nil, err
	}
	out := make(map[string]fs.DirEntry, len(entries))
	for _, e := range entries {
		out[e.Name()] = e
	}
	return out, nil
}

// id stands for the content of a path, and for its type; empty is nothing.
func id(files snapshot.FS, at string, e fs.DirEntry) (string, error) {
	if e == nil {
		return "", nil
	}
	h, ok := files.(snapshot.Hasher)
	if !ok {
		return "", fmt.Errorf("merge %s: the tree has no ids", at)
	}
	sum, err := h.Hash(at)
	if err != nil {
		return "", fmt.Errorf("merge %s: %w", at, err)
	}
	return e.Type().String() + " " + sum, nil
}
