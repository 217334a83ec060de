package rest

import (
	"container/list"
	"crypto/sha256"
	"net/http"
	"sync"
)

// answers keeps what may be asked for with a condition, the last used ones
// within a number of bytes.
type answers struct {
	mu    sync.Mutex
	most  int64
	held  int64
	known map[[sha256.Size]byte]*list.Element
	order *list.List // of answer, the last used first
}

type answer struct {
	key    [sha256.Size]byte
	etag   string
	header http.Header
	body   []byte
}

// overhead is what an answer takes beside its body, at a guess.
const overhead = 2 << 10

func (a answer) size() int64 { return int64(len(a.body)) + overhead }

func newAnswers(most int64) *answers {
	return &answers{most: most, known: map[[sha256.Size]byte]*list.Element{}, order: list.New()}
}

func (a *answers) get(key [sha256.Size]byte) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, ok := a.known[key]
	if !ok {
		return answer{}, false
	}
	a.order.MoveToFront(e)
	return e.Value.(answer), true
}

func (a *answers) put(one answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, ok := a.known[one.key]; ok {
		a.remove(e)
	}
	if one.size() > a.most {
		return
	}
	a.known[one.key] = a.order.PushFront(one)
	a.held += one.size()
	for a.held > a.most {
		a.remove(a.order.Back())
	}
}

func (a *answers) remove(e *list.Element) {
	one := a.order.Remove(e).(answer)
	delete(a.known, one.key)
	a.held -= one.size()
}
