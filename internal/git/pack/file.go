package pack

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// file is one pack with its index, both read in place. Nothing closes it: who
// reads from it keeps it open, and the runtime closes what nobody can reach.
type file struct {
	path   string // without .pack and .idx
	data   *os.File
	index  *os.File
	size   int64
	fanout [256]uint32
}

// Where the parts of an index of version 2 are.
const (
	indexFanout = 8
	indexNames  = indexFanout + 256*4
	nameSize    = len(plumbing.ZeroHash)
	trailerSize = int64(nameSize)
	headSize    = 12 // of a pack
)

func openFile(path string) (*file, error) {
	data, err := os.Open(path + ".pack")
	if err != nil {
		return nil, err
	}
	index, err := os.Open(path + ".idx")
	if err != nil {
		_ = data.Close() // only read from
		return nil, err
	}
	f := &file{path: path, data: data, index: index}
	if err := f.check(); err != nil {
		_, _ = data.Close(), index.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

func (f *file) check() error {
	info, err := f.data.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	var head [indexNames]byte
	if _, err := f.index.ReadAt(head[:], 0); err != nil {
		return err
	}
	if !bytes.Equal(head[:indexFanout], []byte("\xfftOc\x00\x00\x00\x02")) {
		return errDamaged("the index")
	}
	for i := range f.fanout {
		f.fanout[i] = binary.BigEndian.Uint32(head[indexFanout+4*i:])
		if i > 0 && f.fanout[i] < f.fanout[i-1] {
			return errDamaged("the index")
		}
	}
	n := int64(f.count())
	if info, err = f.index.Stat(); err != nil {
		return err
	}
	if f.size < headSize+trailerSize || info.Size() < int64(indexNames)+n*int64(nameSize+8)+2*trailerSize {
		return errDamaged("the index")
	}
	return nil
}

func (f *file) count() int { return int(f.fanout[255]) }

// find tells where an object is.
func (f *file) find(h plumbing.Hash) (offset int64, ok bool, err error) {
	low, high := uint32(0), f.fanout[h[0]]
	if h[0] > 0 {
		low = f.fanout[h[0]-1]
	}
	// One read brings the last hundred names, which is cheaper than seven.
	const few = 128
	var name plumbing.Hash
	for high-low > few {
		middle := low + (high-low)/2
		if _, err := f.index.ReadAt(name[:], int64(indexNames)+int64(middle)*int64(nameSize)); err != nil {
			return 0, false, err
		}
		switch c := bytes.Compare(name[:], h[:]); {
		case c == 0:
			low, high = middle, middle+1
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	if low >= high {
		return 0, false, nil
	}
	var names [few * nameSize]byte
	some := names[:int(high-low)*nameSize]
	if _, err := f.index.ReadAt(some, int64(indexNames)+int64(low)*int64(nameSize)); err != nil {
		return 0, false, err
	}
	for i := range int(high - low) {
		if bytes.Equal(some[i*nameSize:(i+1)*nameSize], h[:]) {
			offset, err := f.offset(int(low) + i)
			return offset, true, err
		}
	}
	return 0, false, nil
}

func (f *file) offset(i int) (int64, error) {
	var b [4]byte
	if _, err := f.index.ReadAt(b[:], int64(indexNames)+int64(f.count())*int64(nameSize+4)+int64(i)*4); err != nil {
		return 0, err
	}
	offset := int64(binary.BigEndian.Uint32(b[:]))
	if offset < headSize || offset >= f.size-trailerSize {
		return 0, errDamaged("the index")
	}
	return offset, nil
}

// ends lists where entries begin, and where the last one ends, in order.
func (f *file) ends() ([]int64, error) {
	raw := make([]byte, 4*f.count())
	if _, err := f.index.ReadAt(raw, int64(indexNames)+int64(f.count())*int64(nameSize+4)); err != nil {
		return nil, err
	}
	all := make([]int64, 0, f.count()+1)
	for i := range f.count() {
		all = append(all, int64(binary.BigEndian.Uint32(raw[4*i:])))
	}
	all = append(all, f.size-trailerSize)
	slices.Sort(all)
	return all, nil
}

// at opens an entry: what comes after its header is the compressed content.
func (f *file) at(offset int64) (header, *bufio.Reader, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(f.data, offset, f.size-trailerSize-offset), 4096)
	h, err := readHeader(r)
	if err == nil && h.kind == plumbing.OFSDeltaObject && offset-h.back < headSize {
		err = errDamaged("the distance to a base")
	}
	if err != nil {
		return header{}, nil, fmt.Errorf("read %s.pack at %d: %w", f.path, offset, err)
	}
	return h, r, nil
}

// inflate reads the content of an entry, or its delta.
func (c *Cache) inflate(r io.Reader, size int64) ([]byte, error) {
	if size > maxWhole {
		return nil, tooLarge(size)
	}
	z, err := c.inflater(r)
	if err != nil {
		return nil, err
	}
	defer c.inflaters.Put(z)
	// What is declared is believed up to a point only.
	out := bytes.NewBuffer(make([]byte, 0, min(size, 1<<20)+bytes.MinRead))
	if _, err := io.Copy(out, io.LimitReader(z, size+1)); err != nil {
		return nil, err
	}
	if int64(out.Len()) != size {
		return nil, errDamaged("the content of an object")
	}
	return out.Bytes(), nil
}

// inflater returns one that goes back into the pool.
func (c *Cache) inflater(r io.Reader) (io.ReadCloser, error) {
	if z, ok := c.inflaters.Get().(io.ReadCloser); ok {
		return z, z.(zlib.Resetter).Reset(r, nil)
	}
	return zlib.NewReader(r)
}

// sizeAt tells how large the content of an entry is.
func (c *Cache) sizeAt(f *file, offset int64) (int64, error) {
	h, r, err := f.at(offset)
	if err != nil || !h.delta() {
		return h.size, err
	}
	z, err := c.inflater(r)
	if err != nil {
		return 0, err
	}
	defer c.inflaters.Put(z)
	var head [20]byte
	n, err := io.ReadFull(z, head[:min(int64(len(head)), h.size)])
	if err != nil {
		return 0, err
	}
	_, size, _, err := deltaSizes(head[:n])
	return size, err
}
