package controller

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// TestSweepsTakeTurns: within each interval every application is swept once,
// and no part of it has more than its share, after a restart as well.
func TestSweepsTakeTurns(t *testing.T) {
	t.Parallel()
	const (
		apps     = 1000
		interval = 30 * time.Minute
		parts    = 10
	)
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var first, second [parts]int
	for i := range apps {
		e := entry{name: types.NamespacedName{Namespace: "trueup", Name: fmt.Sprintf("app-%d", i)}}
		if e.due(began, interval) {
			t.Fatal("the first look is a sweep: it reads everything anyway")
		}
		var at []time.Time
		for now := began; len(at) < 2; now = now.Add(e.after(0, now)) {
			if e.due(now, interval) {
				at = append(at, now)
			}
		}
		if gap := at[1].Sub(at[0]); gap != interval {
			t.Fatalf("%s waits %s between two sweeps, want %s", e.name, gap, interval)
		}
		first[at[0].Sub(began)*parts/interval%parts]++
		second[at[1].Sub(began.Add(interval))*parts/interval%parts]++
	}
	for i := range parts {
		for _, n := range []int{first[i], second[i]} {
			if n < apps/parts/2 || n > apps/parts*2 {
				t.Errorf("in part %d of the interval %d of %d applications are swept", i, n, apps)
			}
		}
	}
}

func TestAfterIsTheSoonerOfTwoWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		reason string
		sweep  time.Time
		wait   time.Duration
		want   time.Duration
	}{
		{"nothing is to come", time.Time{}, 0, 0},
		{"without sweeps", time.Time{}, time.Second, time.Second},
		{"a sweep alone", now.Add(time.Minute), 0, time.Minute},
		{"a sweep that is sooner", now.Add(time.Minute), time.Hour, time.Minute},
		{"a sweep that is later", now.Add(time.Hour), time.Minute, time.Minute},
		{"a sweep that is overdue", now.Add(-time.Hour), 0, 10 * time.Millisecond},
	} {
		if got := (&entry{sweep: tc.sweep}).after(tc.wait, now); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.reason, got, tc.want)
		}
	}
}
