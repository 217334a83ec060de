package pack

import (
	"bytes"
	"errors"
	"iter"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
)

// The modes of tree entries that are not files.
const (
	ModeTree      = 0o040000
	ModeSymlink   = 0o120000
	ModeSubmodule = 0o160000
)

// TreeEntry is one name in a tree.
type TreeEntry struct {
	Name string
	Mode uint32
	Hash plumbing.Hash
}

// Plain reports a file: neither a folder nor a link nor a submodule.
func (e TreeEntry) Plain() bool {
	return e.Mode != ModeTree && e.Mode != ModeSymlink && e.Mode != ModeSubmodule
}

// TreeEntries reads a tree object.
func TreeEntries(data []byte) iter.Seq2[TreeEntry, error] {
	return func(yield func(TreeEntry, error) bool) {
		for len(data) > 0 {
			mode, rest, ok := bytes.Cut(data, []byte(" "))
			name, rest, ok2 := bytes.Cut(rest, []byte("\x00"))
			bits, err := strconv.ParseUint(string(mode), 8, 32)
			if !ok || !ok2 || err != nil || len(rest) < nameSize {
				yield(TreeEntry{}, errors.New("the tree is damaged"))
				return
			}
			e := TreeEntry{Name: string(name), Mode: uint32(bits), Hash: plumbing.Hash(rest[:nameSize])}
			if data = rest[nameSize:]; !yield(e, nil) {
				return
			}
		}
	}
}
