package kube

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// asked remembers what a cluster answered, for one question of each key. A
// question is asked again once its answer is old, in the background and by one
// goroutine at a time; whoever needs it waits for a moment only, and takes
// what was last known. A failure is remembered too, and waited out ever longer.
type asked[K comparable, V any] struct {
	// ask puts the question; last is the last good answer.
	ask func(ctx context.Context, key K, last V) (V, error)
	// start runs a goroutine that ends with its context.
	start func(func(context.Context))
	now   func() time.Time
	// patience is how long one waits for an answer; askPatience where it is 0.
	patience time.Duration

	mu      sync.Mutex
	answers map[K]*answer[V]
	// hasty: nobody waits until then, because somebody waited in vain.
	hasty time.Time
}

type answer[V any] struct {
	value    V
	err      error // of the last attempt
	at       time.Time
	failures int
	next     time.Time     // no attempt before
	busy     chan struct{} // closed when the attempt under way ends
}

// What a cluster may take.
const (
	askTimeout  = 20 * time.Second // one question
	askPatience = 3 * time.Second  // whoever waits for an answer
	askHaste    = 30 * time.Second
	maxBackoff  = 10 * time.Minute
)

// get returns an answer that is not older than age, where one can be had in a
// moment, and else the last one: the zero value where there is none. The error
// is that of the last attempt.
func (a *asked[K, V]) get(key K, age time.Duration) (V, error) {
	a.mu.Lock()
	if a.answers == nil {
		a.answers = map[K]*answer[V]{}
	}
	r := a.answers[key]
	if r == nil {
		r = &answer[V]{}
		a.answers[key] = r
	}
	now := a.now()
	if r.busy == nil && !now.Before(r.next) && (r.at.IsZero() || now.Sub(r.at) >= age) {
		r.busy = make(chan struct{})
		a.start(func(ctx context.Context) { a.attempt(ctx, key, r) })
	}
	busy := r.busy
	hasty := now.Before(a.hasty)
	a.mu.Unlock()
	if busy != nil && !hasty {
		late := time.NewTimer(cmp.Or(a.patience, askPatience))
		defer late.Stop()
		select {
		case <-busy:
		case <-late.C:
			a.mu.Lock()
			a.hasty = a.now().Add(askHaste)
			a.mu.Unlock()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return r.value, r.err
}

func (a *asked[K, V]) attempt(ctx context.Context, key K, r *answer[V]) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a.mu.Lock()
	last := r.value
	a.mu.Unlock()
	value, err := a.ask(ctx, key, last)
	a.mu.Lock()
	defer a.mu.Unlock()
	close(r.busy)
	r.busy, r.err = nil, err
	if err != nil {
		wait := maxBackoff
		if r.failures < 10 {
			wait = min(maxBackoff, time.Second<<r.failures)
		}
		r.failures++
		r.next = a.now().Add(wait)
		return
	}
	r.value, r.at, r.failures, r.next = value, a.now(), 0, time.Time{}
}

// expire has everything asked again that was answered; what fails keeps its
// turn.
func (a *asked[K, V]) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.answers {
		r.at = time.Time{}
	}
}
