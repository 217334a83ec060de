package pack

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // Git names objects by it
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// indexer takes in a pack: it writes it down, learns the ids of the objects
// in it, and adds the bases that it lacks.
type indexer struct {
	held *Set // gives the bases that a thin pack lacks
	out  *os.File
	file *file // out, to read from

	entries []entry
	// byOffset and byHash list the deltas that wait for a base.
	byOffset map[int64][]int32
	byHash   map[plumbing.Hash][]int32
	inflater io.ReadCloser
}

type entry struct {
	hash   plumbing.Hash
	offset int64
	crc    uint32
	done   bool
}

// index reads a pack from r into out, which becomes a pack that is complete
// in itself, and returns its entries and its checksum.
func index(ctx context.Context, r io.Reader, out *os.File, held *Set) ([]entry, plumbing.Hash, error) {
	x := &indexer{held: held, out: out, byOffset: map[int64][]int32{}, byHash: map[plumbing.Hash][]int32{}}
	sum, end, err := x.scan(ctx, r)
	if err != nil {
		return nil, sum, err
	}
	x.file = &file{path: out.Name(), data: out, size: end + trailerSize}
	if err := x.resolveAll(ctx); err != nil {
		return nil, sum, err
	}
	added, err := x.complete(ctx, end)
	if err != nil {
		return nil, sum, err
	}
	if added > 0 {
		if sum, err = x.rewriteSum(end + added); err != nil {
			return nil, sum, err
		}
	}
	return x.entries, sum, nil
}

// scan copies the pack, and names all objects that are no deltas.
func (x *indexer) scan(ctx context.Context, r io.Reader) (sum plumbing.Hash, end int64, err error) {
	s := newSource(r, x.out)
	var head [headSize]byte
	if _, err := io.ReadFull(s, head[:]); err != nil {
		return sum, 0, fmt.Errorf("read the pack: %w", err)
	}
	if !bytes.Equal(head[:4], []byte("PACK")) || binary.BigEndian.Uint32(head[4:]) != 2 {
		return sum, 0, errDamaged("the start")
	}
	count := binary.BigEndian.Uint32(head[8:])
	if int64(count) > MaxPack/20 {
		return sum, 0, errDamaged("the number of objects")
	}
	x.entries = make([]entry, 0, min(count, 1<<16))
	for i := range count {
		if i%1024 == 0 && ctx.Err() != nil {
			return sum, 0, ctx.Err()
		}
		if err := x.scanEntry(s); err != nil {
			return sum, 0, fmt.Errorf("read object %d of %d of the pack: %w", i+1, count, err)
		}
	}
	if err := s.flush(); err != nil {
		return sum, 0, err
	}
	want := plumbing.Hash(s.sum.Sum(nil))
	end = s.offset()
	if _, err := io.ReadFull(s, sum[:]); err != nil {
		return sum, 0, fmt.Errorf("read the pack: %w", err)
	}
	if sum != want {
		return sum, 0, errDamaged("the checksum")
	}
	if err := s.flush(); err != nil {
		return sum, 0, err
	}
	return sum, end, s.to.Flush()
}

func (x *indexer) scanEntry(s *source) error {
	if err := s.flush(); err != nil {
		return err
	}
	s.crc = 0
	e := entry{offset: s.offset()}
	h, err := readHeader(s)
	if err != nil {
		return err
	}
	if err := x.reset(s); err != nil {
		return err
	}
	to := io.Discard
	var sum hash.Hash
	i := int32(len(x.entries))
	switch h.kind {
	case plumbing.OFSDeltaObject:
		x.byOffset[e.offset-h.back] = append(x.byOffset[e.offset-h.back], i)
	case plumbing.REFDeltaObject:
		x.byHash[h.base] = append(x.byHash[h.base], i)
	default:
		sum = hasher(h.kind, h.size)
		to = sum
	}
	n, err := io.Copy(to, io.LimitReader(x.inflater, h.size+1))
	if err != nil {
		return err
	}
	if n != h.size {
		return errDamaged("the content of an object")
	}
	if err := s.flush(); err != nil {
		return err
	}
	e.crc = s.crc
	if sum != nil {
		e.hash, e.done = plumbing.Hash(sum.Sum(nil)), true
	}
	x.entries = append(x.entries, e)
	return nil
}

// reset makes the inflater read from r. One serves for all objects, because
// its window is large.
func (x *indexer) reset(r io.Reader) error {
	if x.inflater == nil {
		z, err := zlib.NewReader(r)
		x.inflater = z
		return err
	}
	return x.inflater.(zlib.Resetter).Reset(r, nil)
}

func hasher(kind plumbing.ObjectType, size int64) hash.Hash {
	h := sha1.New() //nolint:gosec // see above
	_, _ = fmt.Fprintf(h, "%s %d\x00", kind, size)
	return h
}

func hashOf(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	h := hasher(kind, int64(len(data)))
	_, _ = h.Write(data) // never fails
	return plumbing.Hash(h.Sum(nil))
}
