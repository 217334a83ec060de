package origin

import (
	"io/fs"
	"sync"
)

// Files are the files of one tree, parsed once. It may be used by several
// goroutines.
type Files struct {
	from fs.FS

	mu     sync.Mutex
	parsed map[string]file
	size   int
}

// maxKept bounds the texts whose documents are kept, in bytes.
const maxKept = 8 << 20

// NewFiles returns the files of a tree.
func NewFiles(from fs.FS) *Files { return &Files{from: from} }

// read parses a file. One that cannot be read has no documents.
func (f *Files) read(name string) (file, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if parsed, ok := f.parsed[name]; ok {
		return parsed, true
	}
	data, err := f.content(name)
	if err != nil {
		return file{}, false
	}
	if f.size += len(data); f.parsed == nil || f.size > maxKept {
		f.parsed, f.size = map[string]file{}, len(data)
	}
	parsed := read(data)
	f.parsed[name] = parsed
	return parsed, true
}

func (f *Files) content(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	return fs.ReadFile(f.from, name)
}
