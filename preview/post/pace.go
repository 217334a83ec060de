package post

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// Clock is time for what waits.
type Clock struct {
	Now func() time.Time
	// Wait returns early with the context's error.
	Wait func(ctx context.Context, d time.Duration) error
}

// RealClock is the machine's.
func RealClock() Clock {
	return Clock{Now: time.Now, Wait: func(ctx context.Context, d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		}
	}}
}

// Pace bounds how often one account writes: GitHub takes 80 comments in a
// minute and 500 in an hour of one account, over all repositories, and blocks
// it beyond that. It is safe for concurrent use.
type Pace struct {
	clock  Clock
	limits []*rate.Limiter
}

// NewPace stays below what GitHub takes, with a margin for what others write
// with the same account.
func NewPace(clock Clock) *Pace {
	const minute, hour = 60, 400
	// What saves up is half of it: a window that began with a burst holds the
	// burst and what came after it.
	return &Pace{clock, []*rate.Limiter{
		rate.NewLimiter(rate.Limit(minute/2)/60, minute/2), rate.NewLimiter(rate.Limit(hour/2)/3600, hour/2),
	}}
}

// Wait returns when one more may be written.
func (p *Pace) Wait(ctx context.Context) error {
	now := p.clock.Now()
	var longest time.Duration
	var reserved []*rate.Reservation
	for _, l := range p.limits {
		r := l.ReserveN(now, 1)
		reserved = append(reserved, r)
		longest = max(longest, r.DelayFrom(now))
	}
	if longest == 0 {
		return nil
	}
	err := p.clock.Wait(ctx, longest)
	if err != nil {
		for _, r := range reserved {
			r.CancelAt(now)
		}
	}
	return err
}
