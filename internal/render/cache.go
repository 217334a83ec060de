package render

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Store keeps byte strings across restarts. It may lose any of them.
type Store interface {
	// Get returns what is kept under a key, the one used last first.
	Get(key string) [][]byte
	// Put keeps data under a key, beside what is there.
	Put(key string, data []byte) error
}

// CacheOptions say what a cache keeps, and where.
type CacheOptions struct {
	// Bytes bounds the results held in memory, as encoded; 0 is 64 MiB.
	Bytes int
	// Store keeps results across restarts; nil keeps them in memory only.
	// Failures, what was decrypted or looked up, and what depends on a URL that
	// holds a password or a query, never reach it.
	Store Store
	// Version stands for the programs that render: results of another one are
	// not used.
	Version string
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Cache renders a source again only when the answer to something that it
// asked last time is another one. Failures are remembered in the same way, so
// that a broken commit costs one attempt; one for want of time is remembered
// for five minutes. What it returns is the caller's.
type Cache struct {
	renderer *Renderer
	options  CacheOptions
	flight   singleflight.Group
	zips     zips

	mu      sync.Mutex
	entries map[[32]byte]*list.Element
	order   *list.List // of *cached, the one used last in front
	bytes   int
	asked   map[string][32]byte // the last key of each application's source
	stats   Stats
}

// Stats count what a cache did.
type Stats struct {
	// Memory and Disk count the results that were reused from there.
	Memory, Disk uint64
	// Renders counts those that had to be made, by the reason.
	Renders map[Why]uint64
	// Held is the bytes in memory.
	Held int
}

// Total is the number of renders.
func (s Stats) Total() uint64 {
	var n uint64
	for _, count := range s.Renders {
		n += count
	}
	return n
}

// maxAsked bounds the applications whose last options are remembered.
const maxAsked = 100_000

type cached struct {
	key  [32]byte
	what encoded
	err  error
	// until is when the failure is worth another attempt whatever the answers;
	// zero is never.
	until time.Time
}

// keptTooLong is how long a failure for want of time is remembered: what takes
// too long every time should leave most of the time to others.
const keptTooLong = 5 * time.Minute

// NewCache puts a memory before a renderer.
func NewCache(r *Renderer, o CacheOptions) *Cache {
	if o.Bytes <= 0 {
		o.Bytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Cache{
		renderer: r, options: o, entries: map[[32]byte]*list.Element{}, order: list.New(),
		asked: map[string][32]byte{}, stats: Stats{Renders: map[Why]uint64{}},
	}
}

// Render is Renderer.Render with a memory.
func (c *Cache) Render(ctx context.Context, req Request) (Result, error) {
	key, err := c.keyOf(req)
	if err != nil {
		return Result{}, err
	}
	req.decrypter = c.renderer.decrypter
	found, cause := c.lookup(ctx, key, req)
	if found == nil {
		// Two askers of one commit share the work; another commit is another key.
		flight := fmt.Sprintf("%x %s %p", key, req.Tree.Commit.SHA, req.Tree.FS)
		v, err, _ := c.flight.Do(flight, func() (any, error) { return c.render(ctx, key, req, cause) })
		if err != nil {
			return Result{}, err
		}
		found, _ = v.(*cached)
	}
	result, err := found.what.decode()
	if err != nil {
		return Result{}, fmt.Errorf("read the rendered objects of %s: %w", req.Path(), err)
	}
	result.Cause = cause
	return result, found.err
}

// render makes a result and keeps it. Its failure is part of what it returns.
func (c *Cache) render(ctx context.Context, key [32]byte, req Request, cause Cause) (*cached, error) {
	c.mu.Lock()
	c.stats.Renders[cause.Why]++
	c.mu.Unlock()
	result, err := c.renderer.Render(ctx, req)
	what, encodeErr := encode(result)
	if encodeErr != nil {
		return nil, fmt.Errorf("keep the rendered objects of %s: %w", req.Path(), encodeErr)
	}
	made := &cached{key: key, what: what, err: err}
	if slow := new(tooLong); errors.As(err, &slow) {
		made.until = c.options.Now().Add(keptTooLong)
	}
	if ctx.Err() == nil && (err == nil || fault.Of(err) != fault.Transient || !made.until.IsZero()) {
		c.hold(made)
	}
	if err == nil && !result.Sensitive && !result.Reads.secret() && c.options.Store != nil {
		if data, err := what.pack(&c.zips); err == nil {
			_ = c.options.Store.Put(hex.EncodeToString(key[:]), data) // it is only a cache
		}
	}
	return made, nil
}

// Stats tells how often rendering was needed.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.stats
	out.Renders, out.Held = maps.Clone(c.stats.Renders), c.bytes
	return out
}

// lookup finds a result that still holds, or says why there is none.
func (c *Cache) lookup(ctx context.Context, key [32]byte, req Request) (*cached, Cause) {
	c.mu.Lock()
	element, ok := c.entries[key]
	if ok {
		c.order.MoveToFront(element)
	}
	source := req.App + "\x00" + req.Source.Name + "\x00" + req.Source.RepoURL + "\x00" + req.Source.Path + "\x00" + req.Source.Chart
	before, known := c.asked[source]
	if len(c.asked) > maxAsked {
		clear(c.asked) // names come and go; only a reason's word is lost
	}
	c.asked[source] = key
	c.mu.Unlock()
	cause := Cause{Why: First}
	if known && before != key {
		cause = Cause{Why: Options, What: "the application's own options"}
	}
	if ok {
		entry, _ := element.Value.(*cached)
		if cause = entry.changed(ctx, req, c.options.Now()); cause.Why == "" {
			c.count(func(s *Stats) { s.Memory++ })
			return entry, Cause{Why: Reused, What: "memory"}
		}
	}
	if kept, why := c.fetch(ctx, key, req); kept != nil {
		return kept, Cause{Why: Reused, What: "disk"}
	} else if !ok && why.Why != "" {
		cause = why
	}
	return nil, cause
}

func (e *cached) changed(ctx context.Context, req Request, now time.Time) Cause {
	if !e.until.IsZero() && !now.Before(e.until) {
		return Cause{Time, "the last attempt took too long"}
	}
	return e.what.reads.Changed(ctx, req)
}

// fetch looks for a result that holds in the store.
func (c *Cache) fetch(ctx context.Context, key [32]byte, req Request) (*cached, Cause) {
	var cause Cause
	if c.options.Store == nil {
		return nil, cause
	}
	for _, data := range c.options.Store.Get(hex.EncodeToString(key[:])) {
		what, err := unpack(data)
		if err != nil {
			cause = Cause{Why: Corrupt, What: err.Error()}
			continue
		}
		changed := what.reads.Changed(ctx, req)
		if changed.Why == "" {
			found := &cached{key: key, what: what}
			c.hold(found)
			c.count(func(s *Stats) { s.Disk++ })
			return found, cause
		}
		if cause.Why == "" {
			cause = changed
		}
	}
	return nil, cause
}

func (c *Cache) count(add func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.stats)
}

// hold keeps a result in memory, and drops those used longest ago.
func (c *Cache) hold(e *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.entries[e.key]; ok {
		c.drop(old)
	}
	c.entries[e.key] = c.order.PushFront(e)
	c.bytes += e.what.size()
	for c.bytes > c.options.Bytes && c.order.Len() > 1 {
		c.drop(c.order.Back())
	}
}

func (c *Cache) drop(element *list.Element) {
	entry, _ := c.order.Remove(element).(*cached)
	delete(c.entries, entry.key)
	c.bytes -= entry.what.size()
}

// keyOf hashes everything that rendering depends on but the answers it gets.
func (c *Cache) keyOf(req Request) ([32]byte, error) {
	source := req.Source
	source.TargetRevision = "" // a name for the tree
	data, err := json.Marshal(struct {
		Version                     string
		App, ID, Namespace, Project string
		Source                      any
		Live                        bool     `json:",omitempty"`
		Refs                        []string `json:",omitempty"` // that there is none is an answer, too
	}{c.options.Version, req.App, req.ID, req.Namespace, req.Project, source, req.Live != nil, slices.Sorted(maps.Keys(req.Refs))})
	if err != nil {
		return [32]byte{}, fmt.Errorf("render %s: %w", req.Path(), err)
	}
	return sha256.Sum256(data), nil
}
