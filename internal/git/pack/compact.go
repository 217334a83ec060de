package pack

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // Git names objects by it
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// When a Store is worth compacting.
const (
	maxFiles  = 12
	spareSize = 64 << 20
)

// Crowded tells that there are many packs, or much in them that is there
// twice or that nobody needs.
func (s *Store) Crowded() bool {
	var total, largest int64
	for _, f := range s.Set().files {
		total += f.size
		largest = max(largest, f.size)
	}
	return len(s.Set().files) > maxFiles || total > 3*largest+spareSize
}

// Compact copies what the commits need into one pack and forgets the rest.
// Sets that somebody holds stay readable. Commits that are not held are left
// out.
func (s *Store) Compact(ctx context.Context, keep []plumbing.Hash) error {
	now := s.Set()
	keep = slices.DeleteFunc(slices.Clone(keep), func(h plumbing.Hash) bool { return !s.Holds(h) })
	c := &copier{set: now, known: map[plumbing.Hash]struct{}{}}
	for _, h := range keep {
		if err := c.commit(ctx, h); err != nil {
			return fmt.Errorf("compact the mirror: %w", err)
		}
	}
	f, err := s.write(func(out *os.File) ([]entry, plumbing.Hash, error) { return c.copy(ctx, out) })
	if err != nil {
		return fmt.Errorf("compact the mirror: %w", err)
	}
	next := &Set{cache: s.cache}
	if f != nil {
		next.files = []*file{f}
	}
	// First say less, then remove: a crash in between leaves too much.
	if err := s.hold(keep); err != nil {
		return fmt.Errorf("compact the mirror: %w", err)
	}
	s.set.Store(next)
	except := ""
	if f != nil {
		except = f.path
	}
	return remove(now.files, except)
}

// copier copies objects from a Set into one pack.
type copier struct {
	set   *Set
	known map[plumbing.Hash]struct{}
	all   []copied
}

type copied struct {
	hash   plumbing.Hash
	file   int // in the set
	offset int64
	to     int64
}

// note remembers an object that is to be copied; false if it was before.
func (c *copier) note(h plumbing.Hash) (bool, error) {
	if _, ok := c.known[h]; ok {
		return false, nil
	}
	c.known[h] = struct{}{}
	for i, f := range c.set.files {
		offset, ok, err := f.find(h)
		if err != nil {
			return false, err
		}
		if ok {
			c.all = append(c.all, copied{hash: h, file: i, offset: offset})
			return true, nil
		}
	}
	return false, fmt.Errorf("%s: %w", h, ErrAbsent)
}

func (c *copier) commit(ctx context.Context, h plumbing.Hash) error {
	if fresh, err := c.note(h); err != nil || !fresh {
		return err
	}
	_, data, err := c.set.Read(h)
	if err != nil {
		return err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	name, ok := bytes.CutPrefix(line, []byte("tree "))
	if !ok || !plumbing.IsHash(string(name)) {
		return fmt.Errorf("%s is not a commit", h)
	}
	todo := []plumbing.Hash{plumbing.NewHash(string(name))}
	for len(todo) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tree := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		fresh, err := c.note(tree)
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		_, data, err := c.set.Read(tree)
		if err != nil {
			return err
		}
		for e, err := range TreeEntries(data) {
			if err != nil {
				return fmt.Errorf("read the tree %s: %w", tree, err)
			}
			switch e.Mode {
			case ModeSubmodule:
			case ModeTree:
				todo = append(todo, e.Hash)
			default:
				if _, err := c.note(e.Hash); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *copier) copy(ctx context.Context, out *os.File) ([]entry, plumbing.Hash, error) {
	// In the order in which they are now, an OFS delta follows its base.
	slices.SortFunc(c.all, func(a, b copied) int {
		if a.file != b.file {
			return a.file - b.file
		}
		return int(a.offset - b.offset)
	})
	sum := sha1.New() //nolint:gosec // see above
	w := &writer{to: bufio.NewWriterSize(io.MultiWriter(out, sum), 256<<10), level: zlib.DefaultCompression}
	var head [headSize]byte
	copy(head[:], "PACK")
	binary.BigEndian.PutUint32(head[4:], 2)
	binary.BigEndian.PutUint32(head[8:], uint32(len(c.all)))
	if _, err := w.Write(head[:]); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	entries := make([]entry, 0, len(c.all))
	var ends []int64
	for i := range c.all {
		o := &c.all[i]
		if i == 0 || o.file != c.all[i-1].file {
			var err error
			if ends, err = c.set.files[o.file].ends(); err != nil {
				return nil, plumbing.ZeroHash, err
			}
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, plumbing.ZeroHash, ctx.Err()
		}
		o.to = w.at
		at, _ := slices.BinarySearch(ends, o.offset+1)
		e, err := c.one(w, o, ends[at])
		if err != nil {
			return nil, plumbing.ZeroHash, err
		}
		entries = append(entries, e)
	}
	if err := w.to.Flush(); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	name := plumbing.Hash(sum.Sum(nil))
	_, err := out.Write(name[:])
	return entries, name, err
}

// one copies an entry as it is compressed. A delta stays one where its base
// is copied from the same pack; so no circle can arise.
func (c *copier) one(w *writer, o *copied, end int64) (entry, error) {
	f := c.set.files[o.file]
	h, _, err := f.at(o.offset)
	if err != nil {
		return entry{}, err
	}
	body := o.offset + h.length
	if h.delta() {
		base, err := f.base(o.offset, h)
		if err != nil {
			return entry{}, err
		}
		to, ok := c.copiedTo(o.file, base)
		switch {
		case !ok:
			data, err := c.set.read(place{f, o.offset})
			if err != nil {
				return entry{}, err
			}
			return w.whole(o.hash, data.kind, data.data)
		case h.kind == plumbing.OFSDeltaObject:
			h.back = o.to - to
		}
	}
	sum := crc32.NewIEEE()
	both := io.MultiWriter(w, sum)
	w.head = h.append(w.head[:0])
	if _, err := both.Write(w.head); err != nil {
		return entry{}, err
	}
	if _, err := io.Copy(both, io.NewSectionReader(f.data, body, end-body)); err != nil {
		return entry{}, err
	}
	return entry{hash: o.hash, offset: o.to, crc: sum.Sum32(), done: true}, nil
}

func (c *copier) copiedTo(file int, offset int64) (int64, bool) {
	i, ok := slices.BinarySearchFunc(c.all, place{offset: offset}, func(o copied, at place) int {
		if o.file != file {
			return o.file - file
		}
		return int(o.offset - at.offset)
	})
	if !ok {
		return 0, false
	}
	return c.all[i].to, true
}
