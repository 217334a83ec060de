package pack

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // Git names objects by it
	"encoding/binary"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// writeIndex writes the index of a pack, in Git's version 2.
func writeIndex(to io.Writer, entries []entry, pack plumbing.Hash) error {
	slices.SortFunc(entries, func(a, b entry) int {
		if c := bytes.Compare(a.hash[:], b.hash[:]); c != 0 {
			return c
		}
		return int(a.offset - b.offset)
	})
	sum := sha1.New() //nolint:gosec // see above
	w := bufio.NewWriterSize(io.MultiWriter(to, sum), 256<<10)
	// A bufio.Writer remembers its first error: Flush tells it.
	_, _ = w.WriteString("\xfftOc\x00\x00\x00\x02")
	var number [4]byte
	put := func(n uint32) {
		binary.BigEndian.PutUint32(number[:], n)
		_, _ = w.Write(number[:])
	}
	var fanout [256]uint32
	for _, e := range entries {
		fanout[e.hash[0]]++
	}
	total := uint32(0)
	for _, n := range fanout {
		total += n
		put(total)
	}
	for _, e := range entries {
		_, _ = w.Write(e.hash[:])
	}
	for _, e := range entries {
		put(e.crc)
	}
	for _, e := range entries {
		put(uint32(e.offset))
	}
	_, _ = w.Write(pack[:])
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := to.Write(sum.Sum(nil))
	return err
}
