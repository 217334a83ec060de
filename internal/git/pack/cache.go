package pack

import (
	"container/list"
	"sync"
)

// Cache keeps what was decoded last, up to a total weight. It may be used by
// several goroutines, and serves any number of repositories.
type Cache struct {
	limit int

	mu     sync.Mutex
	weight int
	items  map[any]*list.Element
	order  list.List // newest first

	// inflaters are zlib readers at rest: each has a window of 32 KiB.
	inflaters sync.Pool
}

type cached struct {
	key, value any
	weight     int
}

// NewCache returns a Cache that holds limit bytes.
func NewCache(limit int) *Cache { return &Cache{limit: limit, items: map[any]*list.Element{}} }

// Get returns what was put under the key.
func (c *Cache) Get(key any) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).value, true
}

// Put remembers a value that nobody changes any more. One that would push out
// most of the others is not kept.
func (c *Cache) Put(key, value any, weight int) {
	if weight > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[key]; ok {
		return
	}
	c.items[key] = c.order.PushFront(&cached{key, value, weight})
	c.weight += weight
	for c.weight > c.limit {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached)
		delete(c.items, old.key)
		c.weight -= old.weight
	}
}
