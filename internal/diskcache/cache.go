package diskcache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache is a folder. One process uses it at a time; many goroutines may. What
// it cannot read counts as absent: a cache may lose anything.
//
// A key is a folder of its own, and a file in it is called by the hash of its
// content, so that a damaged file is known as one.
type Cache struct {
	dir  string
	max  int64
	keep int
	now  func() time.Time

	mu    sync.Mutex
	total int64 // bytes of all files; -1 before they were counted
	lost  uint64
}

// Options say how much is kept.
type Options struct {
	// Bytes bounds all files together; 0 is 1 GiB.
	Bytes int64
	// PerKey bounds the values of one key; 0 is 4.
	PerKey int
	// Version names the form of the data: what was written under another one
	// is removed.
	Version string
}

// Open opens a folder, which is made where it is not there. It belongs to its
// owner alone.
func Open(dir string, o Options) (*Cache, error) {
	if o.Bytes <= 0 {
		o.Bytes = 1 << 30
	}
	if o.PerKey <= 0 {
		o.PerKey = 4
	}
	sum := sha256.Sum256([]byte(o.Version))
	mine := "v-" + hex.EncodeToString(sum[:6])
	if err := os.MkdirAll(filepath.Join(dir, mine), 0o700); err != nil {
		return nil, fmt.Errorf("open the cache in %s: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the cache in %s: %w", dir, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "v-") && e.Name() != mine {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("remove what an earlier version cached: %w", err)
			}
		}
	}
	return &Cache{dir: filepath.Join(dir, mine), max: o.Bytes, keep: o.PerKey, now: time.Now, total: -1}, nil
}

// Lost counts the files that were damaged, and removed for it.
func (c *Cache) Lost() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// folder is where a key's values are. Keys are spread over subfolders.
func (c *Cache) folder(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:16])
	return filepath.Join(c.dir, name[:2], name[2:])
}

// Get returns a key's values, the one used last first, and counts them as
// used.
func (c *Cache) Get(key string) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out [][]byte
	var sound []file
	for _, f := range files(c.folder(key)) {
		data, err := os.ReadFile(f.path)
		if err != nil {
			continue
		}
		if nameOf(data) != filepath.Base(f.path) {
			c.lost++
			c.remove(f)
			continue
		}
		out, sound = append(out, data), append(sound, f)
	}
	// All are touched, oldest first, so that their order stays.
	for _, f := range slices.Backward(sound) {
		if now := c.now(); now.Sub(f.used) > time.Hour {
			_ = os.Chtimes(f.path, now, now)
		}
	}
	return out
}

// Put keeps data under a key as the value used last.
func (c *Cache) Put(key string, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(len(data)) > c.max {
		return nil
	}
	dir := c.folder(key)
	if err := c.write(dir, data); err != nil {
		return fmt.Errorf("keep %d bytes in the cache: %w", len(data), err)
	}
	if all := files(dir); len(all) > c.keep {
		for _, f := range all[c.keep:] {
			c.remove(f)
		}
	}
	c.shrink()
	return nil
}

// write puts a file in place as a whole.
func (c *Cache) write(dir string, data []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, nameOf(data))
	now := c.now()
	if _, err := os.Stat(path); err == nil {
		return os.Chtimes(path, now, now)
	}
	temp, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = errors.Join(os.Chtimes(temp.Name(), now, now), os.Rename(temp.Name(), path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	if c.total >= 0 {
		c.total += int64(len(data))
	}
	return nil
}

func nameOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

type file struct {
	path string
	size int64
	used time.Time
}

// files lists a folder, the file used last first.
func files(dir string) []file {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			out = append(out, file{filepath.Join(dir, e.Name()), info.Size(), info.ModTime()})
		}
	}
	slices.SortFunc(out, func(a, b file) int { return cmp.Or(b.used.Compare(a.used), strings.Compare(a.path, b.path)) })
	return out
}

func (c *Cache) remove(f file) {
	if os.Remove(f.path) == nil && c.total >= 0 {
		c.total -= f.size
	}
	_ = os.Remove(filepath.Dir(f.path)) // goes only where it is empty
}

// shrink drops the files used longest ago until a fifth is free, where there
// is too much.
func (c *Cache) shrink() {
	if c.total >= 0 && c.total <= c.max {
		return
	}
	var all []file
	c.total = 0
	_ = filepath.WalkDir(c.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		if info, err := e.Info(); err == nil {
			all = append(all, file{path, info.Size(), info.ModTime()})
			c.total += info.Size()
		}
		return nil
	})
	if c.total <= c.max {
		return
	}
	slices.SortFunc(all, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range all {
		if c.total <= c.max*4/5 {
			return
		}
		c.remove(f)
	}
}
