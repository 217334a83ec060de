package git

import (
	"strings"
	"sync/atomic"
)

// recent are folders of one commit that paths led into a moment ago, without
// a link on the way: what asks for one file of a folder mostly asks for more.
type recent [64]atomic.Pointer[recentDir]

type recentDir struct {
	path string
	dir  directory
}

// parent gives the folder that a path is in, if it is kept.
func (r *recent) parent(name string) (dir directory, base string, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return nil, "", false
	}
	kept := r.slot(name[:i]).Load()
	if kept == nil || kept.path != name[:i] {
		return nil, "", false
	}
	return kept.dir, name[i+1:], true
}

// keep remembers the folder that a path is in.
func (r *recent) keep(name string, dir directory) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return
	}
	slot := r.slot(name[:i])
	if kept := slot.Load(); kept == nil || kept.path != name[:i] {
		slot.Store(&recentDir{strings.Clone(name[:i]), dir})
	}
}

func (r *recent) slot(path string) *atomic.Pointer[recentDir] {
	h := uint32(2166136261)
	for i := range len(path) {
		h = (h ^ uint32(path[i])) * 16777619
	}
	return &r[h%uint32(len(r))]
}
