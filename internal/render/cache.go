package render

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Cache renders a source again only when a file that it read last time
// changed. Failures are remembered in the same way, so that a broken commit
// costs one attempt. What it returns is shared: callers must not change it.
type Cache struct {
	renderer *Renderer
	size     int
	flight   singleflight.Group

	mu      sync.Mutex
	entries map[[32]byte]*list.Element
	order   *list.List // of *cached, the one used last in front
	stats   Stats
}

// Stats count what a cache did.
type Stats struct{ Hits, Misses uint64 }

type cached struct {
	key    [32]byte
	result Result
	err    error
}

// NewCache keeps the results of at most size sources.
func NewCache(r *Renderer, size int) *Cache {
	return &Cache{renderer: r, size: size, entries: map[[32]byte]*list.Element{}, order: list.New()}
}

// Render is Renderer.Render with a memory.
func (c *Cache) Render(ctx context.Context, req Request) (Result, error) {
	key, err := keyOf(req)
	if err != nil {
		return Result{}, err
	}
	if hit, ok := c.lookup(ctx, key, req); ok {
		return hit.result, hit.err
	}
	// Two askers of one commit share the work; another commit is another key.
	flight := fmt.Sprintf("%x %s %p", key, req.Tree.Commit.SHA, req.Tree.FS)
	v, err, _ := c.flight.Do(flight, func() (any, error) {
		result, err := c.renderer.Render(ctx, req)
		if ctx.Err() == nil && (err == nil || fault.Of(err) != fault.Transient) {
			c.store(&cached{key: key, result: result, err: err})
		}
		return result, err
	})
	result, _ := v.(Result)
	return result, err
}

// Stats tells how often rendering was needed.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Cache) lookup(ctx context.Context, key [32]byte, req Request) (*cached, bool) {
	c.mu.Lock()
	element, ok := c.entries[key]
	if ok {
		c.order.MoveToFront(element)
	}
	c.mu.Unlock()
	if ok {
		entry, _ := element.Value.(*cached)
		ok = entry.result.Reads.Holds(ctx, req)
		c.count(ok)
		return entry, ok
	}
	c.count(false)
	return nil, false
}

func (c *Cache) count(hit bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hit {
		c.stats.Hits++
		return
	}
	c.stats.Misses++
}

func (c *Cache) store(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.entries[e.key]; ok {
		c.order.Remove(old)
	}
	c.entries[e.key] = c.order.PushFront(e)
	for c.order.Len() > c.size {
		last := c.order.Back()
		entry, _ := c.order.Remove(last).(*cached)
		delete(c.entries, entry.key)
	}
}

// keyOf hashes everything that rendering depends on but the files.
func keyOf(req Request) ([32]byte, error) {
	source := req.Source
	source.TargetRevision = "" // a name for the tree
	data, err := json.Marshal(struct {
		App, ID, Namespace, Project string
		Source                      any
	}{req.App, req.ID, req.Namespace, req.Project, source})
	if err != nil {
		return [32]byte{}, fmt.Errorf("render %s: %w", req.Path(), err)
	}
	return sha256.Sum256(data), nil
}
