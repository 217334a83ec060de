package render

import (
	"bytes"
	"io/fs"

	"github.com/trueup-dev/trueup/internal/snapshot"
)

// plainFS gives encrypted files as plain text. Stat tells the size in the
// tree; only an open file knows that of its plain text.
type plainFS struct {
	snapshot.FS
	unlocker *unlocker
}

// ReadFile implements fs.ReadFileFS.
func (p plainFS) ReadFile(name string) ([]byte, error) {
	data, err := p.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return p.unlocker.open(name, data)
}

// Open implements fs.FS.
func (p plainFS) Open(name string) (fs.File, error) {
	file, err := p.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return file, err
	}
	_ = file.Close() // it was only looked at
	data, err := p.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &plainFile{Reader: bytes.NewReader(data), info: plainInfo{info, int64(len(data))}}, nil
}

type plainFile struct {
	*bytes.Reader
	info plainInfo
}

// Stat implements fs.File.
func (f *plainFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements fs.File.
func (f *plainFile) Close() error { return nil }

type plainInfo struct {
	fs.FileInfo
	size int64
}

// Size implements fs.FileInfo.
func (i plainInfo) Size() int64 { return i.size }
