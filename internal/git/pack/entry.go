package pack

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Bounds on what a server can make us hold. Git itself does not store files
// above 512 MiB as deltas.
const (
	// maxWhole is the size of the largest object that is held in memory.
	maxWhole = 128 << 20
	// maxHeld is the size of all objects of one delta chain being resolved.
	maxHeld = 512 << 20
	// maxChain is Git's own bound on the length of a delta chain.
	maxChain = 4095
	// MaxPack is the size of the largest pack; offsets in it fit 31 bits.
	MaxPack = 1<<31 - 1
)

// header is the beginning of an object in a pack.
type header struct {
	kind plumbing.ObjectType
	// size is of the content, or of the delta.
	size int64
	// back is the distance to the base of an OFSDeltaObject, base the id of
	// that of a REFDeltaObject.
	back int64
	base plumbing.Hash
	// length is that of the header itself, as it was read.
	length int64
}

func (h header) delta() bool {
	return h.kind == plumbing.OFSDeltaObject || h.kind == plumbing.REFDeltaObject
}

// counted counts the bytes of a header.
type counted struct {
	from io.ByteReader
	n    int64
}

// ReadByte implements io.ByteReader.
func (c *counted) ReadByte() (byte, error) {
	c.n++
	return c.from.ReadByte()
}

// readHeader reads a header from the start of an entry.
func readHeader(from io.ByteReader) (header, error) {
	r := &counted{from: from}
	b, err := r.ReadByte()
	if err != nil {
		return header{}, err
	}
	h := header{kind: plumbing.ObjectType(b >> 4 & 7), size: int64(b & 15)}
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = r.ReadByte(); err != nil {
			return header{}, err
		}
		if shift > 50 {
			return header{}, errDamaged("the size of an object")
		}
		h.size |= int64(b&0x7f) << shift
	}
	switch h.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		h.back, err = readBack(r)
	case plumbing.REFDeltaObject:
		for i := range h.base {
			if h.base[i], err = r.ReadByte(); err != nil {
				return header{}, err
			}
		}
	default:
		return header{}, errDamaged("the type of an object")
	}
	h.length = r.n
	return h, err
}

func readBack(r io.ByteReader) (int64, error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	back := int64(b & 0x7f)
	for b&0x80 != 0 {
		if b, err = r.ReadByte(); err != nil {
			return 0, err
		}
		if back = (back+1)<<7 | int64(b&0x7f); back > MaxPack {
			return 0, errDamaged("the distance to a base")
		}
	}
	if back == 0 {
		return 0, errDamaged("the distance to a base")
	}
	return back, nil
}

// append writes h as it stands in a pack.
func (h header) append(to []byte) []byte {
	b := byte(h.kind)<<4 | byte(h.size&15)
	for rest := h.size >> 4; ; rest >>= 7 {
		if rest == 0 {
			to = append(to, b)
			break
		}
		to = append(to, b|0x80)
		b = byte(rest & 0x7f)
	}
	switch h.kind {
	case plumbing.OFSDeltaObject:
		var back [10]byte
		at := len(back) - 1
		back[at] = byte(h.back & 0x7f)
		for rest := h.back >> 7; rest > 0; rest >>= 7 {
			rest--
			at--
			back[at] = 0x80 | byte(rest&0x7f)
		}
		to = append(to, back[at:]...)
	case plumbing.REFDeltaObject:
		to = append(to, h.base[:]...)
	default:
	}
	return to
}

// deltaSizes reads the sizes that a delta begins with: of its base and of
// what it makes of it.
func deltaSizes(delta []byte) (base, result int64, rest []byte, err error) {
	b, n := binary.Uvarint(delta)
	if n <= 0 || b > maxWhole {
		return 0, 0, nil, errDamaged("a delta")
	}
	r, m := binary.Uvarint(delta[n:])
	if m <= 0 {
		return 0, 0, nil, errDamaged("a delta")
	}
	if r > maxWhole {
		return 0, 0, nil, tooLarge(int64(min(r, 1<<60)))
	}
	return int64(b), int64(r), delta[n+m:], nil
}

// patch applies a delta to its base.
func patch(base, delta []byte) ([]byte, error) {
	from, size, delta, err := deltaSizes(delta)
	if err != nil {
		return nil, err
	}
	if from != int64(len(base)) {
		return nil, errDamaged("the base of a delta")
	}
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var piece []byte
		switch {
		case op == 0:
			return nil, errDamaged("a delta")
		case op&0x80 == 0:
			if int(op) > len(delta) {
				return nil, errDamaged("a delta")
			}
			piece, delta = delta[:op], delta[op:]
		default:
			var at, n int
			if at, n, delta, err = copyRange(op, delta); err != nil {
				return nil, err
			}
			if at+n > len(base) {
				return nil, errDamaged("a delta")
			}
			piece = base[at : at+n]
		}
		if int64(len(out)+len(piece)) > size {
			return nil, errDamaged("a delta")
		}
		out = append(out, piece...)
	}
	if int64(len(out)) != size {
		return nil, errDamaged("a delta")
	}
	return out, nil
}

// copyRange reads where a copy starts and how long it is: the bits of op say
// which bytes of the two numbers follow.
func copyRange(op byte, delta []byte) (at, n int, rest []byte, err error) {
	for bit := range 7 {
		if op&(1<<bit) == 0 {
			continue
		}
		if len(delta) == 0 {
			return 0, 0, nil, errDamaged("a delta")
		}
		if bit < 4 {
			at |= int(delta[0]) << (8 * bit)
		} else {
			n |= int(delta[0]) << (8 * (bit - 4))
		}
		delta = delta[1:]
	}
	if n == 0 {
		n = 0x10000
	}
	return at, n, delta, nil
}

func errDamaged(what string) error {
	return fmt.Errorf("the pack is damaged: %s cannot be read", what)
}

func tooLarge(size int64) error {
	return fault.New(fault.Invalid, "the repository holds an object of %d MiB; the limit is %d MiB", size>>20, maxWhole>>20)
}
