package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// ReadSet is what somebody asked a tree, and what it answered.
type ReadSet struct {
	// Content maps a file that was read to the id of its content, Listing
	// a directory that was listed to the hash of the names and types in
	// it, and Kind a path that was only looked at to "file" or "dir".
	// A path that was not there has the value Absent.
	Content map[string]string `json:"content,omitempty"`
	Listing map[string]string `json:"listing,omitempty"`
	Kind    map[string]string `json:"kind,omitempty"`
}

// Absent is what a read-set remembers of a path that is not there.
const Absent = "-"

// Folder is what it remembers as the content of a directory that somebody
// tried to read as a file: whatever is in it, the answer is the same.
const Folder = "dir"

// Holds tells whether the tree gives the same answers.
func (r ReadSet) Holds(files FS) bool { return r.Changed(files) == "" }

// Changed names a path for which the tree gives another answer, and is empty
// where there is none.
func (r ReadSet) Changed(files FS) string {
	changed := ""
	r.each(func(name, _ string, what answer) bool {
		changed = r.changedAt(files, name, what)
		return changed == ""
	})
	return changed
}

// Size is about the bytes that it takes in memory.
func (r ReadSet) Size() int {
	const perEntry = 64
	n := 0
	for _, m := range []map[string]string{r.Content, r.Listing, r.Kind} {
		for name, value := range m {
			n += len(name) + len(value) + perEntry
		}
	}
	return n
}

// Empty reports that nothing was asked.
func (r ReadSet) Empty() bool { return r.Len() == 0 }

// Paths lists what was asked, sorted, each once.
func (r ReadSet) Paths() []string {
	all := map[string]bool{}
	for _, m := range []map[string]string{r.Content, r.Listing, r.Kind} {
		for name := range m {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Trace wraps files so that what is asked of it can be told afterwards.
func Trace(files FS) *Tracer {
	return &Tracer{files: files, set: ReadSet{
		Content: map[string]string{}, Listing: map[string]string{}, Kind: map[string]string{},
	}}
}

// Tracer is an FS that remembers what it was asked.
type Tracer struct {
	files FS
	mu    sync.Mutex
	set   ReadSet
}

// ReadSet gives what was asked so far. What another answer says as well is
// left out: a path that was read is a file, one that was listed a directory.
func (t *Tracer) ReadSet() ReadSet {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := ReadSet{Content: maps.Clone(t.set.Content), Listing: maps.Clone(t.set.Listing), Kind: map[string]string{}}
	for name, kind := range t.set.Kind {
		content, read := t.set.Content[name]
		list, listed := t.set.Listing[name]
		switch {
		case kind == "file" && read && content != Absent && !strings.HasPrefix(content, "!"):
		case kind == "dir" && listed && list != Absent && !strings.HasPrefix(list, "!"):
		case kind == "dir" && read && content == Folder:
		case kind == Absent && (read && content == Absent || listed && list == Absent):
		default:
			out.Kind[name] = kind
		}
	}
	return out
}

// Open implements fs.FS. A file counts as read, a directory as listed.
func (t *Tracer) Open(name string) (fs.File, error) {
	info, err := t.files.Stat(name)
	switch {
	case err != nil:
		t.remember(t.set.Kind, name, failure(err))
	case info.IsDir():
		t.remember(t.set.Listing, name, listingOf(t.files, name))
	default:
		t.remember(t.set.Content, name, contentOf(t.files, name))
	}
	return t.files.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (t *Tracer) ReadFile(name string) ([]byte, error) {
	data, err := t.files.ReadFile(name)
	if err != nil {
		content := Folder
		if kindOf(t.files, name) != "dir" {
			content = contentOf(t.files, name)
		}
		t.remember(t.set.Content, name, content)
		return nil, err
	}
	if h, ok := t.files.(Hasher); ok {
		if id, err := h.Hash(name); err == nil {
			t.remember(t.set.Content, name, id)
			return data, nil
		}
	}
	t.remember(t.set.Content, name, digest(data))
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tracer) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := t.files.ReadDir(name)
	t.remember(t.set.Listing, name, listing(t.files, name, entries, err))
	return entries, err
}

// Stat implements fs.StatFS.
func (t *Tracer) Stat(name string) (fs.FileInfo, error) {
	info, err := t.files.Stat(name)
	t.remember(t.set.Kind, name, kind(info, err))
	return info, err
}

func (t *Tracer) remember(in map[string]string, name, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	in[path.Clean(name)] = value
}

func contentOf(files FS, name string) string {
	if h, ok := files.(Hasher); ok {
		id, err := h.Hash(name)
		if err != nil {
			return failure(err)
		}
		return id
	}
	data, err := files.ReadFile(name)
	if err != nil {
		return failure(err)
	}
	return digest(data)
}

func sameContent(files FS, name, want string) bool {
	if want == Folder {
		return kindOf(files, name) == "dir"
	}
	return contentOf(files, name) == want
}

// A listing is remembered as "id digest": the directory's own id, where the
// tree knows it, answers at once; where another one is there, something below
// changed, and the names must be compared.
func listingOf(files FS, name string) string {
	entries, err := files.ReadDir(name)
	return listing(files, name, entries, err)
}

func sameListing(files FS, name, want string) bool {
	if id, _, ok := strings.Cut(want, " "); ok && id != "" {
		if h, ok := files.(Hasher); ok {
			if now, err := h.Hash(name); err == nil && now == id {
				return true
			}
		}
	}
	now := listingOf(files, name)
	if _, digest, ok := strings.Cut(now, " "); ok {
		return strings.HasSuffix(want, " "+digest)
	}
	return now == want
}

func kindOf(files FS, name string) string { return kind(files.Stat(name)) }

func listing(files FS, name string, entries []fs.DirEntry, err error) string {
	if err != nil {
		return failure(err)
	}
	id := ""
	if h, ok := files.(Hasher); ok {
		if id, err = h.Hash(name); err != nil {
			id = ""
		}
	}
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e.Name())
		b.WriteByte(0)
		b.WriteString(e.Type().String())
		b.WriteByte(0)
	}
	return id + " " + digest([]byte(b.String()))
}

func kind(info fs.FileInfo, err error) string {
	switch {
	case err != nil:
		return failure(err)
	case info.IsDir():
		return "dir"
	default:
		return "file"
	}
}

// failure remembers an error by its text, so that a path which fails
// otherwise is another answer.
func failure(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return Absent
	}
	return "!" + err.Error()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
