package pack

import (
	"bufio"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // Git names objects by it
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// resolveAll names the deltas whose bases are in the pack.
func (x *indexer) resolveAll(ctx context.Context) error {
	for i := range x.entries {
		e := &x.entries[i]
		if !e.done {
			continue
		}
		waiting := x.take(e)
		if len(waiting) == 0 {
			continue
		}
		h, r, err := x.file.at(e.offset)
		if err != nil {
			return err
		}
		if h.delta() {
			return errDamaged("a delta") // unreachable: take empties what waits
		}
		data, err := x.inflate(r, h.size)
		if err != nil {
			return err
		}
		if err := x.resolve(ctx, object{h.kind, data}, waiting); err != nil {
			return err
		}
	}
	return nil
}

// take gives the deltas that wait for an entry, once.
func (x *indexer) take(e *entry) []int32 {
	waiting := x.byOffset[e.offset]
	delete(x.byOffset, e.offset)
	if more, ok := x.byHash[e.hash]; ok {
		delete(x.byHash, e.hash)
		waiting = append(waiting, more...)
	}
	return waiting
}

// resolve names the deltas that wait for a base, and those that wait for
// them. What it holds at a time is one chain.
func (x *indexer) resolve(ctx context.Context, base object, waiting []int32) error {
	type level struct {
		data    []byte
		waiting []int32
	}
	stack, held := []level{{base.data, waiting}}, len(base.data)
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if len(top.waiting) == 0 {
			held -= len(top.data)
			stack = stack[:len(stack)-1]
			continue
		}
		e := &x.entries[top.waiting[0]]
		top.waiting = top.waiting[1:]
		if e.done {
			continue
		}
		h, r, err := x.file.at(e.offset)
		if err != nil {
			return err
		}
		delta, err := x.inflate(r, h.size)
		if err != nil {
			return err
		}
		data, err := patch(top.data, delta)
		if err != nil {
			return err
		}
		e.hash, e.done = hashOf(base.kind, data), true
		next := x.take(e)
		if len(next) == 0 {
			continue
		}
		if held += len(data); held > maxHeld || len(stack) > maxChain {
			return fault.New(fault.Invalid, "the repository's deltas take more than %d MiB to resolve", maxHeld>>20)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		stack = append(stack, level{data, next})
	}
	return nil
}

func (x *indexer) inflate(r io.Reader, size int64) ([]byte, error) {
	if size > maxWhole {
		return nil, tooLarge(size)
	}
	if err := x.reset(r); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(x.inflater, data); err != nil {
		return nil, err
	}
	return data, nil
}

// complete adds the bases that are not in the pack, and returns how many
// bytes that took.
func (x *indexer) complete(ctx context.Context, end int64) (int64, error) {
	if _, err := x.out.Seek(end, io.SeekStart); err != nil {
		return 0, err
	}
	// Somebody waits, and the next compaction takes more care.
	w := &writer{to: bufio.NewWriterSize(x.out, 256<<10), at: end, level: zlib.BestSpeed}
	for len(x.byHash) > 0 {
		progress := false
		for _, missing := range x.missing() {
			waiting, ok := x.byHash[missing]
			if !ok {
				continue // a delta that was resolved meanwhile turned out to be it
			}
			kind, data, err := x.held.Read(missing)
			if errors.Is(err, ErrAbsent) {
				continue
			}
			if err != nil {
				return 0, err
			}
			delete(x.byHash, missing)
			e, err := w.whole(missing, kind, data)
			if err != nil {
				return 0, err
			}
			x.entries = append(x.entries, e)
			if err := x.resolve(ctx, object{kind, data}, waiting); err != nil {
				return 0, err
			}
			progress = true
		}
		if !progress {
			return 0, errors.New("the pack is damaged: it lacks a base that we do not hold either")
		}
	}
	if len(x.byOffset) > 0 { // some waited for deltas whose base was missing
		return 0, errDamaged("the distance to a base")
	}
	for _, e := range x.entries {
		if !e.done {
			return 0, errors.New("the pack is damaged: two deltas are each other's base")
		}
	}
	return w.at - end, w.to.Flush()
}

func (x *indexer) missing() []plumbing.Hash {
	all := make([]plumbing.Hash, 0, len(x.byHash))
	for h := range x.byHash {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	return all
}

// rewriteSum corrects the number of objects and the checksum of a pack that
// grew to end.
func (x *indexer) rewriteSum(end int64) (sum plumbing.Hash, err error) {
	var count [4]byte
	binary.BigEndian.PutUint32(count[:], uint32(len(x.entries)))
	if _, err := x.out.WriteAt(count[:], 8); err != nil {
		return sum, err
	}
	h := sha1.New() //nolint:gosec // see above
	if _, err := io.Copy(h, io.NewSectionReader(x.out, 0, end)); err != nil {
		return sum, err
	}
	sum = plumbing.Hash(h.Sum(nil))
	if _, err := x.out.WriteAt(sum[:], end); err != nil {
		return sum, err
	}
	return sum, x.out.Truncate(end + trailerSize)
}

// writer appends entries to a pack.
type writer struct {
	to      *bufio.Writer
	at      int64
	level   int
	deflate *zlib.Writer
	head    []byte
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.at += int64(n)
	return n, err
}

// whole appends an object that is no delta.
func (w *writer) whole(name plumbing.Hash, kind plumbing.ObjectType, data []byte) (entry, error) {
	e := entry{hash: name, offset: w.at, done: true}
	sum := crc32.NewIEEE()
	both := io.MultiWriter(w, sum)
	w.head = header{kind: kind, size: int64(len(data))}.append(w.head[:0])
	if _, err := both.Write(w.head); err != nil {
		return e, err
	}
	if w.deflate == nil {
		var err error
		if w.deflate, err = zlib.NewWriterLevel(both, w.level); err != nil {
			return e, err
		}
	} else {
		w.deflate.Reset(both)
	}
	if _, err := w.deflate.Write(data); err != nil {
		return e, err
	}
	if err := w.deflate.Close(); err != nil {
		return e, fmt.Errorf("compress %s: %w", name, err)
	}
	e.crc = sum.Sum32()
	return e, nil
}
