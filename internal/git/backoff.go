package git

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"
)

// Who asks for a revision is told the last failure again for this long, twice
// as long after each. Polls ask all the same, and so do other credentials.
const (
	shortestBackoff = 5 * time.Second
	longestBackoff  = time.Minute
)

// backoff remembers that a server could not be asked, for the many who want to
// know the same.
type backoff struct {
	mu       sync.Mutex
	err      error // nil: the last question was answered
	auth     Auth  // what it was asked with
	until    time.Time
	failures int
}

// last is the failure that is to be told in place of asking with auth now.
// A nil backoff remembers nothing.
func (b *backoff) last(auth Auth, now time.Time) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || !now.Before(b.until) || !reflect.DeepEqual(b.auth, auth) {
		return nil
	}
	return b.err
}

// failing is the failure of the last question, however long ago it was.
func (b *backoff) failing() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// again has the next question asked, whatever came of the last one.
func (b *backoff) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Time{}
}

// note takes in what came of a question, and tells it. One that was called off
// says nothing about the server.
func (b *backoff) note(auth Auth, now time.Time, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err = err; err == nil {
		b.failures = 0
		return nil
	}
	wait := shortestBackoff
	for range b.failures {
		wait = min(2*wait, longestBackoff)
	}
	b.failures = min(b.failures+1, 10)
	b.auth, b.until = auth, now.Add(wait)
	return err
}
