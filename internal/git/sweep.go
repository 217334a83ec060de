package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mirrorName is what Mirrors calls the folder of a mirror. Nothing else in its
// folder is ever removed, but for what goneMark says it was removing.
var mirrorName = regexp.MustCompile(`^[0-9a-f]{20}\.git$`)

const goneMark = ".gone-"

// Sweep removes mirrors that nobody uses, and that nobody used for some time:
// those of an earlier process whose applications went while none ran. It marks
// those in use as such, so that a later process knows.
func (m *Mirrors) Sweep(unused time.Duration) (removed int, err error) {
	entries, err := os.ReadDir(m.options.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list the mirrors: %w", err)
	}
	now := m.options.Now()
	var failures []error
	for _, e := range entries {
		at := filepath.Join(m.options.Dir, e.Name())
		switch {
		case !e.IsDir(): // a link is none
		case strings.HasPrefix(e.Name(), goneMark) && mirrorName.MatchString(strings.TrimPrefix(e.Name(), goneMark)):
			failures = append(failures, os.RemoveAll(at))
		case !mirrorName.MatchString(e.Name()):
		case m.uses(at):
			_ = os.Chtimes(at, now, now) // it is fetched again, at worst
		default:
			info, err := e.Info()
			if err != nil || now.Sub(info.ModTime()) < unused {
				continue // gone already, or maybe needed again
			}
			gone, err := m.discard(at)
			if failures = append(failures, err); gone && err == nil {
				removed++
			}
		}
	}
	if err := errors.Join(failures...); err != nil {
		return removed, fmt.Errorf("remove mirrors that nobody uses: %w", err)
	}
	return removed, nil
}

// at finds the repository with a mirror in dir. It is called with mu held.
func (m *Mirrors) at(dir string) (*repository, *mirrored) {
	for _, r := range m.repos {
		if s, ok := r.source.(*mirrored); ok && s.dir == dir {
			return r, s
		}
	}
	return nil, nil
}

func (m *Mirrors) uses(dir string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r, _ := m.at(dir)
	return r != nil && r.held()
}

// discard removes a mirror unless somebody began to use it. What takes long
// happens under another name: whoever needs the repository makes a new mirror
// meanwhile.
func (m *Mirrors) discard(dir string) (gone bool, err error) {
	aside := filepath.Join(filepath.Dir(dir), goneMark+filepath.Base(dir))
	m.mu.Lock()
	r, s := m.at(dir)
	if r == nil {
		err = os.Rename(dir, aside)
		m.mu.Unlock()
		return true, errors.Join(err, os.RemoveAll(aside))
	}
	m.mu.Unlock()
	select {
	case r.fetching <- struct{}{}:
		defer r.fetching.give()
	default:
		return false, nil // somebody is using it just now
	}
	if r.held() {
		return false, nil
	}
	return true, s.remove()
}
