package diskcache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string, o Options) *Cache {
	t.Helper()
	c, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	return c
}

func put(t *testing.T, c *Cache, key, value string) {
	t.Helper()
	if err := c.Put(key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func get(c *Cache, key string) []string {
	var out []string
	for _, data := range c.Get(key) {
		out = append(out, string(data))
	}
	return out
}

func TestValuesOfOneKeyAreKeptNewestFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, Options{PerKey: 2})
	for _, value := range []string{"a", "b", "c", "b"} {
		put(t, c, "key", value)
	}
	if diff := cmp.Diff([]string{"b", "c"}, get(c, "key")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := get(c, "other"); got != nil {
		t.Errorf("a key that was never put gives %q", got)
	}
	if diff := cmp.Diff([]string{"b", "c"}, get(open(t, dir, Options{}), "key")); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

func TestAnotherVersionStartsEmpty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, open(t, dir, Options{Version: "1"}), "key", "old")
	if got := get(open(t, dir, Options{Version: "2"}), "key"); got != nil {
		t.Errorf("got %q", got)
	}
	if got := get(open(t, dir, Options{Version: "1"}), "key"); got != nil {
		t.Errorf("the old version's data is still there: %q", got)
	}
}

func TestDamageIsNoticedAndRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, Options{})
	put(t, c, "key", "fine")
	put(t, c, "key", "soon damaged")
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(data), "soon") {
			err = os.WriteFile(path, []byte("sooN damaged"), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if diff := cmp.Diff([]string{"fine"}, get(c, "key")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if c.Lost() != 1 {
		t.Errorf("lost %d, want 1", c.Lost())
	}
}

func TestSizeIsBoundedAndWhatWasUsedLastStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, Options{Bytes: 1000})
	for i := range 50 {
		put(t, c, fmt.Sprint(i), strings.Repeat("x", 98)+fmt.Sprintf("%02d", i))
	}
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if info, infoErr := e.Info(); err == nil && infoErr == nil && !e.IsDir() {
			size += info.Size()
		}
		return nil
	})
	if size > 1000 || size < 500 {
		t.Errorf("%d bytes are kept", size)
	}
	if len(get(c, "49")) != 1 || get(c, "0") != nil {
		t.Error("the newest is gone, or the oldest is there")
	}
	put(t, c, "huge", strings.Repeat("x", 2000))
	if get(c, "huge") != nil || len(get(c, "49")) != 1 {
		t.Error("one value larger than all that is allowed took the others' place")
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c, err := Open(t.TempDir(), Options{Bytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				key := fmt.Sprint(n % 5)
				if err := c.Put(key, fmt.Appendf(nil, "%d %d", i, n)); err != nil {
					t.Error(err)
				}
				c.Get(key)
			}
		})
	}
	all.Wait()
}
