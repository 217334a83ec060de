package registry

import (
	"container/list"
	"sync"
)

// trees keeps the archives that were opened last in memory.
type trees struct {
	limit int64

	mu    sync.Mutex
	size  int64
	order *list.List // of *opened, the one used last in front
	at    map[treeKey]*list.Element
}

// treeKey is an archive, and whether the first folder of its names is left off.
type treeKey struct {
	digest string
	chart  bool
}

type opened struct {
	key   treeKey
	files *files
}

func newTrees(limit int64) *trees {
	return &trees{limit: limit, order: list.New(), at: map[treeKey]*list.Element{}}
}

func (t *trees) get(key treeKey) *files {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.at[key]
	if !ok {
		return nil
	}
	t.order.MoveToFront(e)
	held, _ := e.Value.(*opened)
	return held.files
}

// perNode is about what a name costs beside its content.
const perNode = 256

func weight(f *files) int64 { return f.size + perNode*int64(len(f.nodes)) }

// put returns what is kept: of two that open one archive at once, the first.
func (t *trees) put(key treeKey, f *files) *files {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.at[key]; ok {
		held, _ := e.Value.(*opened)
		return held.files
	}
	t.at[key] = t.order.PushFront(&opened{key, f})
	t.size += weight(f)
	for t.size > t.limit && t.order.Len() > 1 {
		last, _ := t.order.Remove(t.order.Back()).(*opened)
		delete(t.at, last.key)
		t.size -= weight(last.files)
	}
	return f
}

// open gives the tree of an archive that is in memory or on disk; nil is
// neither.
func (r *Registry) open(digest string, chart bool) *files {
	key := treeKey{digest, chart}
	if f := r.trees.get(key); f != nil {
		return f
	}
	data := r.store.get(digest)
	if data == nil {
		return nil
	}
	f, err := unpack(data, chart)
	if err != nil {
		return nil // whoever fetches it again tells why
	}
	return r.trees.put(key, f)
}

// keep stores an archive and opens it. One that cannot be stored is opened
// nevertheless: a full disk must not stop a sync.
func (r *Registry) keep(data []byte, chart bool) (*files, error) {
	f, err := unpack(data, chart)
	if err != nil {
		return nil, err
	}
	_ = r.store.put(data) // it is fetched again, at worst
	return r.trees.put(treeKey{digestOf(data), chart}, f), nil
}
