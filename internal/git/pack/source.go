package pack

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // Git names objects by it
	"hash"
	"hash/crc32"
	"io"

	"github.com/trueup-dev/trueup/internal/fault"
)

// source reads a pack byte by byte, so that decompression takes no more than
// its own, and copies what was taken to a file while summing it up.
type source struct {
	from io.Reader
	to   *bufio.Writer
	sum  hash.Hash
	crc  uint32 // since start

	buf        []byte
	mark, at   int   // buf[mark:at] was taken, and is not copied yet
	end        int   // buf[at:end] was not taken yet
	beforeMark int64 // bytes that were copied
}

func newSource(from io.Reader, to io.Writer) *source {
	return &source{from: from, to: bufio.NewWriterSize(to, 256<<10), sum: sha1.New(), buf: make([]byte, 64<<10)} //nolint:gosec // see above
}

func (s *source) offset() int64 { return s.beforeMark + int64(s.at-s.mark) }

// flush copies what was taken.
func (s *source) flush() error {
	taken := s.buf[s.mark:s.at]
	if len(taken) == 0 {
		return nil
	}
	s.crc = crc32.Update(s.crc, crc32.IEEETable, taken)
	_, _ = s.sum.Write(taken) // never fails
	s.beforeMark += int64(len(taken))
	s.mark = s.at
	if s.beforeMark > MaxPack {
		return fault.New(fault.Invalid, "the repository's files take more than %d MiB, compressed", MaxPack>>20)
	}
	_, err := s.to.Write(taken)
	return err
}

func (s *source) fill() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.mark, s.at, s.end = 0, 0, 0
	for range 100 {
		n, err := s.from.Read(s.buf)
		if n > 0 {
			s.end = n
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// ReadByte implements io.ByteReader.
func (s *source) ReadByte() (byte, error) {
	if s.at == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	s.at++
	return s.buf[s.at-1], nil
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.at == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.at:s.end])
	s.at += n
	return n, nil
}
