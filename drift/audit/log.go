package audit

import (
	"slices"
	"sync"
	"time"
)

// Limits bound a Log.
type Limits struct {
	// Events in all, and of one object; those of its status aside, of which few
	// are kept.
	Events, Object int
	// Age is how long an event is kept.
	Age time.Duration
}

// DefaultLimits keep about 10 MB at most.
func DefaultLimits() Limits { return Limits{Events: 10_000, Object: 32, Age: time.Hour} }

// statusEvents bounds those of one object's status: controllers write it all
// the time, and it explains little.
const statusEvents = 4

// Log remembers the events of one cluster. It may be used by several
// goroutines.
type Log struct {
	limits Limits

	mu    sync.Mutex
	queue []*entry // by arrival, from head on
	head  int
	kept  int // entries that are not dropped
	byRef map[Ref][]*entry
	seen  map[identity]bool
}

type entry struct {
	Event
	at time.Time
	// dropped: its object has newer ones. It stays in the queue, so that it is
	// known when it comes again.
	dropped bool
}

// identity tells an event from all others. Clients may choose the audit id, so
// that it alone does not: nobody hides a request behind another one's.
type identity struct {
	Ref
	id, user, verb string
	done           int64
}

func (e *Event) identity() identity {
	return identity{e.Ref, e.id, e.User + between + e.Impersonator, e.Verb + between + e.Subresource, e.Done.UnixNano()}
}

// NewLog makes an empty one.
func NewLog(limits Limits) *Log {
	return &Log{limits: limits, byRef: map[Ref][]*entry{}, seen: map[identity]bool{}}
}

// Add remembers an event, unless it is there already.
func (l *Log) Add(e Event, now time.Time) (fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	id := e.identity()
	if l.seen[id] {
		return false
	}
	added := &entry{Event: e, at: now}
	l.seen[id] = true
	l.kept++
	l.queue = append(l.queue, added)
	l.byRef[e.Ref] = append(l.byRef[e.Ref], added)
	l.bound(e.Ref, e.Subresource == "status")
	for l.kept > l.limits.Events || len(l.queue)-l.head > 2*l.limits.Events {
		l.pop()
	}
	return true
}

// bound drops the oldest event of an object's status, or of the rest, where
// there are too many.
func (l *Log) bound(ref Ref, status bool) {
	most := l.limits.Object
	if status {
		most = statusEvents
	}
	events := l.byRef[ref]
	n, first := 0, -1
	for i, e := range events {
		if (e.Subresource == "status") == status {
			if n++; first < 0 {
				first = i
			}
		}
	}
	if n > most {
		events[first].dropped = true
		l.kept--
		l.byRef[ref] = slices.Delete(events, first, first+1)
	}
}

// expire forgets what is too old.
func (l *Log) expire(now time.Time) {
	for l.head < len(l.queue) && now.Sub(l.queue[l.head].at) > l.limits.Age {
		l.pop()
	}
}

// pop forgets the event that arrived first. Where half of the queue is dropped
// ones, these go before any that is kept.
func (l *Log) pop() {
	if len(l.queue)-l.head > 2*l.limits.Events && l.kept <= l.limits.Events {
		l.compact()
		return
	}
	e := l.queue[l.head]
	l.queue[l.head] = nil
	l.head++
	if l.head > len(l.queue)/2 {
		l.queue = slices.Clone(l.queue[l.head:])
		l.head = 0
	}
	delete(l.seen, e.identity())
	if e.dropped {
		return
	}
	l.kept--
	events := l.byRef[e.Ref]
	if i := slices.Index(events, e); i >= 0 {
		events = slices.Delete(events, i, i+1)
	}
	if len(events) == 0 {
		delete(l.byRef, e.Ref)
		return
	}
	l.byRef[e.Ref] = events
}

func (l *Log) compact() {
	left := make([]*entry, 0, l.kept)
	for _, e := range l.queue[l.head:] {
		if e.dropped {
			delete(l.seen, e.identity())
			continue
		}
		left = append(left, e)
	}
	l.queue, l.head = left, 0
}

// Of lists the events of an object by arrival, those that deleted its whole
// collection included.
func (l *Log) Of(ref Ref, now time.Time) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	var out []Event
	at := []Ref{ref, ref.collection()}
	if ref.Namespace != "" {
		at = append(at, Ref{Group: ref.Group, Resource: ref.Resource}) // in all namespaces
	}
	for _, r := range at {
		for _, e := range l.byRef[r] {
			out = append(out, e.Event)
		}
	}
	return out
}

// Len is the number of events that are kept.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept
}
