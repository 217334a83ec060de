package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	tests := []struct {
		reason string
		in     Situation
		want   Decision
	}{
		{"one sync at a time", Situation{Manual: true, Running: true, Due: 1}, Decision{Reason: "a sync is running"}},
		{"a refused plan is not run even on request", Situation{Manual: true, Refused: true, Due: 1}, Decision{Reason: "the plan is refused"}},
		{"a person may sync without automation", Situation{Manual: true, Due: 1}, Decision{Sync: true, Reason: "somebody asked for it"}},
		{"nothing to do", Situation{Automated: true, Revision: "b"}, Decision{Reason: "in sync"}},
		{"a wave that waits starts nothing", Situation{Automated: true, Revision: "b", Later: 2}, Decision{Reason: "later waves wait for earlier ones"}},
		{"automation is off by default", Situation{Revision: "b", Due: 1}, Decision{Reason: "automated sync is off"}},
		{
			"a new revision is synced even if the last one failed",
			Situation{Automated: true, Revision: "b", Due: 1, Last: Attempt{Revision: "a", At: now, Failed: true, Count: 9}},
			Decision{Sync: true, Reason: "new revision"},
		},
		{
			"a failed revision waits",
			Situation{Automated: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: at(4 * time.Second), Failed: true, Count: 1}},
			Decision{Reason: "the last sync failed", After: time.Second},
		},
		{
			"a failed revision is tried again, however often it failed",
			Situation{Automated: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: at(3 * time.Minute), Failed: true, Count: 500}},
			Decision{Sync: true, Reason: "the last sync failed"},
		},
		{
			"the next wave goes on without self-heal",
			Situation{Automated: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: now, Unfinished: true}},
			Decision{Sync: true, Reason: "the next wave is due"},
		},
		{
			"drift stays without self-heal",
			Situation{Automated: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: now}},
			Decision{Reason: "the revision was synced already and self-heal is off"},
		},
		{
			"drift is healed at once, however lately that was done",
			Situation{Automated: true, SelfHeal: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: now}},
			Decision{Sync: true, Reason: "live state has drifted"},
		},
		{
			"what drifted is put back without automation",
			Situation{Drifted: true, Revision: "b", Due: 1, Last: Attempt{Revision: "a", At: now, Failed: true, Count: 3}},
			Decision{Sync: true, Reason: "live state has drifted"},
		},
		{
			"what could not be put back waits",
			Situation{Drifted: true, Revision: "b", Due: 1, Last: Attempt{Revision: "b", At: at(4 * time.Second), Failed: true, Count: 1}},
			Decision{Reason: "the last sync failed", After: time.Second},
		},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Decide(tc.in, now)); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackoffIsCapped(t *testing.T) {
	t.Parallel()
	b := Backoff{Base: time.Second, Factor: 2, Max: 10 * time.Second}
	want := []time.Duration{1, 1, 2, 4, 8, 10, 10}
	for n, seconds := range want {
		if got := b.Wait(n); got != seconds*time.Second {
			t.Errorf("Wait(%d) = %s, want %s", n, got, seconds*time.Second)
		}
	}
	if got := b.Wait(1 << 30); got != b.Max {
		t.Errorf("Wait of very many = %s", got)
	}
}
