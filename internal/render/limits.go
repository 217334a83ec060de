package render

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Limits bound what one source may cost. What is 0 takes the default.
type Limits struct {
	// Objects is how many there may be, and Output how many bytes they may
	// hold together.
	Objects int
	Output  int64
	// Files is how often files may be read, Bytes how much may be read from
	// them together, whichever engine does it. One file is bounded by
	// snapshot.MaxFileSize.
	Files int
	Bytes int64
	Time  time.Duration
}

// DefaultLimits are far above what a person would put into one application.
func DefaultLimits() Limits {
	return Limits{Objects: 10_000, Output: 64 << 20, Files: 20_000, Bytes: 64 << 20, Time: 90 * time.Second}
}

// UntrustedLimits are for sources that anybody could have written: enough for
// what people put into one application, and not much more.
func UntrustedLimits() Limits {
	return Limits{Objects: 3000, Output: 16 << 20, Files: 5000, Bytes: 16 << 20, Time: 20 * time.Second}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Objects == 0 {
		l.Objects = d.Objects
	}
	if l.Output == 0 {
		l.Output = d.Output
	}
	if l.Files == 0 {
		l.Files = d.Files
	}
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Time == 0 {
		l.Time = d.Time
	}
	return l
}

// budget is what is left of what one rendering may read. Once it is used up
// every read fails, whatever the engine makes of the first failure.
type budget struct {
	limits Limits
	ctx    context.Context //nolint:containedctx // reading takes none, and must end with the rendering

	mu    sync.Mutex
	files int
	bytes int64
	over  error
}

// budget is what a rendering may read, until its time is over.
func (l Limits) budget(ctx context.Context) (*budget, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	return &budget{limits: l, ctx: ctx}, cancel
}

// waiting has nobody wait for the files of a request, or of what it opens, when
// the time is over.
func (b *budget) waiting(req Request) Request {
	return around(req, func(files snapshot.FS) snapshot.FS { return snapshot.Wait(b.ctx, files) }, func(error) {})
}

// around puts something around the files of a request, and of what it opens;
// note gets the errors of opening.
func around(req Request, wrap func(snapshot.FS) snapshot.FS, note func(error)) Request {
	req.Tree.FS = wrap(req.Tree.FS)
	if len(req.Refs) > 0 {
		refs := make(map[string]snapshot.Tree, len(req.Refs))
		for name, tree := range req.Refs {
			tree.FS = wrap(tree.FS)
			refs[name] = tree
		}
		req.Refs = refs
	}
	if req.More != nil {
		req.More = wrappedOpener{req.More, wrap, note}
	}
	return req
}

type wrappedOpener struct {
	next Opener
	wrap func(snapshot.FS) snapshot.FS
	note func(error)
}

// Tree implements Opener.
func (o wrappedOpener) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	tree, err := o.next.Tree(ctx, at)
	if err == nil {
		tree.FS = o.wrap(tree.FS)
	}
	o.note(err)
	return tree, err
}

// note keeps the error of files that could not be waited for: it tells more than
// what engines make of it, and than that the time is over.
func (b *budget) note(err error) {
	if err != nil && errors.Is(err, snapshot.ErrPending) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.over = cmp.Or(b.over, err)
	}
}

// spend counts one more file.
func (b *budget) spend(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files++
	b.bytes += size
	switch {
	case b.over != nil:
	case b.files > b.limits.Files:
		b.over = fault.New(fault.Invalid, "it reads more than %d files", b.limits.Files)
	case b.bytes > b.limits.Bytes:
		b.over = fault.New(fault.Invalid, "it reads more than %d MiB", b.limits.Bytes>>20)
	}
	return b.over
}

// time fails when there is none left.
func (b *budget) time() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		b.over = b.ctx.Err()
	}
	return b.over
}

// exceeded is the limit that was reached, if any.
func (b *budget) exceeded() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// bind has all that a request reads count against the budget.
func (b *budget) bind(req Request) Request {
	return around(req, func(files snapshot.FS) snapshot.FS { return bounded{files, b} }, b.note)
}

// bounded is an FS that ends with its budget, and with the time of the
// rendering: no engine goes on without reading.
type bounded struct {
	snapshot.FS
	budget *budget
}

// Open implements fs.FS. A file counts in full.
func (f bounded) Open(name string) (fs.File, error) {
	if err := f.budget.time(); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name)
	if err != nil {
		f.budget.note(err)
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.IsDir() {
		err = f.budget.spend(info.Size())
	}
	if err != nil {
		_ = file.Close() // only read from
		return nil, err
	}
	return file, nil
}

// ReadFile implements fs.ReadFileFS.
func (f bounded) ReadFile(name string) ([]byte, error) {
	if err := f.budget.time(); err != nil {
		return nil, err
	}
	data, err := f.FS.ReadFile(name)
	if err != nil {
		f.budget.note(err)
		return nil, err
	}
	return data, f.budget.spend(int64(len(data)))
}

// ReadDir implements fs.ReadDirFS.
func (f bounded) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.budget.time(); err != nil {
		return nil, err
	}
	list, err := f.FS.ReadDir(name)
	f.budget.note(err)
	return list, err
}

// Stat implements fs.StatFS.
func (f bounded) Stat(name string) (fs.FileInfo, error) {
	info, err := f.FS.Stat(name)
	f.budget.note(err)
	return info, err
}

// Size is about what objects take as JSON, in bytes.
func Size(objects []*unstructured.Unstructured) (n int64) {
	for _, u := range objects {
		n += size(u.Object)
	}
	return n
}

// check holds what an engine returned against the limits.
func (l Limits) check(manifests []Manifest) error {
	if len(manifests) > l.Objects {
		return fault.New(fault.Invalid, "it gives %d objects, more than the %d that are allowed", len(manifests), l.Objects)
	}
	left := l.Output
	for _, m := range manifests {
		if left -= size(m.Object.Object); left < 0 {
			return fault.New(fault.Invalid, "it gives more than %d MiB of objects", l.Output>>20)
		}
	}
	return nil
}

// size is about what a value takes as JSON.
func size(value any) int64 {
	switch v := value.(type) {
	case map[string]any:
		n := int64(2)
		for key, child := range v {
			n += int64(len(key)) + 4 + size(child)
		}
		return n
	case []any:
		n := int64(2)
		for _, child := range v {
			n += 1 + size(child)
		}
		return n
	case string:
		return int64(len(v)) + 2
	}
	return 8
}
