package snapshot

import (
	"bytes"
	"errors"

	"github.com/trueup-dev/trueup/internal/fault"
)

// LFSHeader is how a file begins that is kept elsewhere, by Git LFS.
const LFSHeader = "version https://git-lfs.github.com/spec/v1\n"

// lfsPointer is the error of reading a file that stands for another one.
type lfsPointer struct {
	error
	data []byte
}

func (p lfsPointer) Unwrap() error { return p.error }

// WithoutLFS refuses the content of a file that is a Git LFS pointer.
func WithoutLFS(name string, data []byte) error {
	if !bytes.HasPrefix(data, []byte(LFSHeader)) {
		return nil
	}
	return lfsPointer{
		fault.New(fault.Invalid, "read %s: the file is a Git LFS pointer; LFS is not supported: commit the file itself", name), bytes.Clone(data),
	}
}

// LFSPointer is the pointer that reading a file failed with. It is for who can
// do without the file itself.
func LFSPointer(err error) (data []byte, ok bool) {
	var p lfsPointer
	ok = errors.As(err, &p)
	return p.data, ok
}
