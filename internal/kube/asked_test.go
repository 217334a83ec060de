package kube

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestAskedRemembers(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	asks, failing := 0, error(nil)
	c := &clock{at: time.Unix(1000, 0)}
	a := asked[string, int]{
		now: c.now, start: func(f func(context.Context)) { all.Go(func() { f(t.Context()) }) }, patience: time.Minute,
		ask: func(context.Context, string, int) (int, error) {
			asks++
			return asks, failing
		},
	}
	broken := errors.New("down")
	for _, step := range []struct {
		reason string
		pass   time.Duration
		expire bool
		fails  error
		want   int
		err    error
		asks   int
	}{
		{reason: "the first time", want: 1, asks: 1},
		{reason: "a fresh answer", pass: 9 * time.Second, want: 1, asks: 1},
		{reason: "an old one", pass: time.Second, want: 2, asks: 2},
		{reason: "a failure keeps the last answer", pass: 10 * time.Second, fails: broken, want: 2, err: broken, asks: 3},
		{reason: "and is not repeated at once", fails: broken, want: 2, err: broken, asks: 3},
		{reason: "but later", pass: time.Second, fails: broken, want: 2, err: broken, asks: 4},
		{reason: "and later still", pass: time.Second, fails: broken, want: 2, err: broken, asks: 4},
		{reason: "until it works", pass: time.Second, want: 5, asks: 5},
		{reason: "what expired is asked again", expire: true, want: 6, asks: 6},
	} {
		c.pass(step.pass)
		failing = step.fails
		if step.expire {
			a.expire()
		}
		got, err := a.get("k", 10*time.Second)
		if got != step.want || !errors.Is(err, step.err) || asks != step.asks {
			t.Errorf("%s: %d, %v after %d questions", step.reason, got, err, asks)
		}
	}
}

// TestAskedDoesNotHoldUp: one goroutine asks, whoever needs the answer waits
// for a moment only, and nobody waits right after somebody waited in vain.
func TestAskedDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	release := make(chan struct{})
	var asks atomic.Int64
	a := asked[string, string]{
		now: time.Now, start: func(f func(context.Context)) { all.Go(func() { f(context.Background()) }) }, patience: time.Millisecond,
		ask: func(context.Context, string, string) (string, error) {
			asks.Add(1)
			<-release
			return "answer", nil
		},
	}
	for range 5 {
		if got, err := a.get("slow", time.Hour); got != "" || err != nil {
			t.Errorf("an answer before there is one: %q, %v", got, err)
		}
	}
	a.mu.Lock()
	hasty, busy := a.hasty.After(time.Now()), a.answers["slow"].busy
	a.mu.Unlock()
	if !hasty || busy == nil || asks.Load() != 1 {
		t.Errorf("hasty %t, %d questions", hasty, asks.Load())
	}
	close(release)
	<-busy
	if got, err := a.get("slow", time.Hour); got != "answer" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	all.Wait()
}
