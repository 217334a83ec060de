package pack

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrAbsent means that no pack holds an object.
var ErrAbsent = plumbing.ErrObjectNotFound

// Set is some packs that stay as they are. It may be used by several
// goroutines at once.
type Set struct {
	files []*file
	cache *Cache
}

// place is where an object is; it is the key of what the cache keeps.
type place struct {
	file   *file
	offset int64
}

type object struct {
	kind plumbing.ObjectType
	data []byte
}

// Has tells whether the object is there.
func (s *Set) Has(h plumbing.Hash) bool {
	_, err := s.find(h)
	return err == nil
}

// Weight is the number of packs, and the bytes that they take on the disk
// without their indexes.
func (s *Set) Weight() (packs int, bytes int64) {
	for _, f := range s.files {
		bytes += f.size
	}
	return len(s.files), bytes
}

// Size tells how large an object is, without reading it.
func (s *Set) Size(h plumbing.Hash) (int64, error) {
	at, err := s.find(h)
	if err != nil {
		return 0, err
	}
	return s.cache.sizeAt(at.file, at.offset)
}

// Read returns an object, which the caller may not change.
func (s *Set) Read(h plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	at, err := s.find(h)
	if err != nil {
		return 0, nil, err
	}
	o, err := s.read(at)
	return o.kind, o.data, err
}

func (s *Set) find(h plumbing.Hash) (place, error) {
	for _, f := range s.files {
		offset, ok, err := f.find(h)
		if err != nil {
			return place{}, fmt.Errorf("find %s: %w", h, err)
		}
		if ok {
			return place{f, offset}, nil
		}
	}
	return place{}, fmt.Errorf("%s: %w", h, ErrAbsent)
}

// link is a delta on the way to an object.
type link struct {
	at    place
	delta []byte
}

// read resolves the chain of deltas that leads to an entry.
func (s *Set) read(at place) (object, error) {
	var chain []link
	var o object
	for first := at; ; {
		if v, ok := s.cache.Get(at); ok {
			o = v.(object)
			break
		}
		h, r, err := at.file.at(at.offset)
		if err != nil {
			return object{}, err
		}
		data, err := s.cache.inflate(r, h.size)
		if err != nil {
			return object{}, fmt.Errorf("read %s.pack at %d: %w", at.file.path, at.offset, err)
		}
		if !h.delta() {
			o = object{h.kind, data}
			if at != first {
				s.cache.Put(at, o, len(data)+overhead)
			}
			break
		}
		if chain = append(chain, link{at, data}); len(chain) > maxChain {
			return object{}, errDamaged("a chain of deltas")
		}
		if at.offset, err = at.file.base(at.offset, h); err != nil {
			return object{}, err
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		var err error
		if o.data, err = patch(o.data, chain[i].delta); err != nil {
			return object{}, fmt.Errorf("read %s.pack: %w", at.file.path, err)
		}
		if i > 0 { // what others are based on as well
			s.cache.Put(chain[i].at, o, len(o.data)+overhead)
		}
	}
	return o, nil
}

// overhead is what the cache needs for an object beside its content.
const overhead = 200

// base tells where the base of a delta is: in the same pack always.
func (f *file) base(offset int64, h header) (int64, error) {
	if h.kind == plumbing.OFSDeltaObject {
		return offset - h.back, nil
	}
	at, ok, err := f.find(h.base)
	if err == nil && !ok {
		err = errors.New("the pack is damaged: it lacks a base")
	}
	return at, err
}
