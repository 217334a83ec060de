package snapshot

import "strings"

// Differ is implemented by an FS that finds out what changed since another
// commit without reading all of both.
type Differ interface {
	// Since tells how the files differ from those of a commit of the same
	// repository, named by its full id; false is that it cannot tell.
	Since(commit string) (*Changes, bool)
	// Direct reports that a path leads through folders alone, and ends at a
	// file, a folder or nothing. What links or submodules are part of can
	// change though nothing did at the path.
	Direct(path string) bool
}

// Changes are the paths at which two commits of one repository may give
// different answers. The zero value has none.
type Changes struct {
	at map[string]answer
	// below are paths at and under which any answer may differ.
	below map[string]bool
}

// answer is a set of the kinds of answers that a ReadSet remembers.
type answer uint8

const (
	content answer = 1 << iota
	listed
	looked
)

func (c *Changes) add(path string, what answer) {
	if c.at == nil {
		c.at = map[string]answer{}
	}
	c.at[path] |= what
}

// Within tells that something in a folder changed, at any depth. Both commits
// have the folder.
func (c *Changes) Within(folder string) { c.add(folder, content) }

// Names tells that a folder holds other names, or things of another type. Both
// commits have the folder.
func (c *Changes) Names(folder string) { c.add(folder, listed) }

// File tells that a path is a file in both commits with another content, or in
// one of them while the other has nothing there.
func (c *Changes) File(path string) { c.add(path, content|listed|looked) }

// Below tells that a path is a folder, a link or a submodule in one of the
// commits, and not the same in the other: nothing can be said of what is there.
func (c *Changes) Below(path string) {
	if c.below == nil {
		c.below = map[string]bool{}
	}
	c.below[path] = true
	c.add(path, content|listed|looked)
}

// Len is the number of paths.
func (c *Changes) Len() int { return len(c.at) }

// may reports whether an answer at a path may be another one.
func (c *Changes) may(path string, what answer) bool {
	if c.at[path]&what != 0 {
		return true
	}
	if len(c.below) == 0 {
		return false
	}
	if c.below["."] {
		return true
	}
	for {
		if c.below[path] {
			return true
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return false
		}
		path = path[:i]
	}
}

// Winding lists the paths of a read-set about which Changes cannot tell,
// because the way there is not direct. The read-set must hold for files.
func (r ReadSet) Winding(files FS) []string {
	d, ok := files.(Differ)
	if !ok {
		return nil
	}
	var out []string
	r.each(func(name, value string, _ answer) bool {
		if !d.Direct(name) || strings.HasPrefix(value, "!") {
			out = append(out, name)
		}
		return true
	})
	return out
}

// ChangedSince is Changed for who knows that the read-set held at an earlier
// commit, how that differs, and which paths were winding then: only what may
// be another answer is asked for. doubted reports that one was which is not
// winding; it may be now.
func (r ReadSet) ChangedSince(files FS, c *Changes, winding []string) (changed string, doubted bool) {
	for _, name := range winding {
		if path := r.changedAt(files, name, content|listed|looked); path != "" {
			return path, false
		}
	}
	if len(c.below) == 0 && c.Len() < r.Len() {
		for name, what := range c.at {
			if !r.has(name, what) {
				continue
			}
			doubted = true
			if path := r.changedAt(files, name, what); path != "" {
				return path, true
			}
		}
		return "", doubted
	}
	r.each(func(name, _ string, what answer) bool {
		if c.may(name, what) {
			doubted = true
			changed = r.changedAt(files, name, what)
		}
		return changed == ""
	})
	return changed, doubted
}

// Len is the number of answers.
func (r ReadSet) Len() int { return len(r.Content) + len(r.Listing) + len(r.Kind) }

// has reports whether one of the kinds of answers is known at a path.
func (r ReadSet) has(name string, what answer) bool {
	if what&content != 0 {
		if _, ok := r.Content[name]; ok {
			return true
		}
	}
	if what&listed != 0 {
		if _, ok := r.Listing[name]; ok {
			return true
		}
	}
	if what&looked != 0 {
		if _, ok := r.Kind[name]; ok {
			return true
		}
	}
	return false
}

// each calls do for every answer, until it returns false.
func (r ReadSet) each(do func(name, value string, what answer) bool) {
	for name, value := range r.Content {
		if !do(name, value, content) {
			return
		}
	}
	for name, value := range r.Listing {
		if !do(name, value, listed) {
			return
		}
	}
	for name, value := range r.Kind {
		if !do(name, value, looked) {
			return
		}
	}
}

// changedAt names a path, as Changed does, if an answer there is another one.
func (r ReadSet) changedAt(files FS, name string, what answer) string {
	if want, ok := r.Content[name]; ok && what&content != 0 && !sameContent(files, name, want) {
		return name
	}
	if want, ok := r.Listing[name]; ok && what&listed != 0 && !sameListing(files, name, want) {
		return name + "/"
	}
	if want, ok := r.Kind[name]; ok && what&looked != 0 && kindOf(files, name) != want {
		return name
	}
	return ""
}
