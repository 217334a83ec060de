package reconcile

import "time"

// Situation is all that the decision to sync depends on.
type Situation struct {
	// Manual: a person asked for a sync.
	Manual bool
	// Running: a sync is under way.
	Running bool
	// Automated and SelfHeal are the application's policy.
	Automated, SelfHeal bool
	// Revision is the one that the plan was made for.
	Revision string
	// Drifted: the plan only puts back what somebody else changed, and Last is
	// the last time that this was done.
	Drifted bool
	// Due counts the plan's steps that can run now, Later the deferred ones.
	Due, Later int
	Refused    bool
	Last       Attempt
	Retry      Backoff
	// Limit bounds the attempts after the first one; nil is no bound.
	Limit *int64
}

// Attempt is the last sync that was started.
type Attempt struct {
	Revision string
	At       time.Time
	Failed   bool
	// Unfinished: it left later waves to be done.
	Unfinished bool
	// Count is the number of attempts in a row that failed.
	Count int
}

// Decision says whether to sync now, and why.
type Decision struct {
	Sync   bool
	Reason string
	// After is when to ask again where only time is lacking; 0 means that
	// something has to happen first.
	After time.Duration
}

// Backoff grows the wait from Base by Factor with each attempt, up to Max.
type Backoff struct {
	Base   time.Duration
	Factor float64
	Max    time.Duration
}

// DefaultRetry is the wait after failures where the application names none.
func DefaultRetry() Backoff { return Backoff{Base: 5 * time.Second, Factor: 2, Max: 3 * time.Minute} }

// Wait returns the time to wait after n attempts.
func (b Backoff) Wait(n int) time.Duration {
	wait := float64(b.Base)
	for range n - 1 {
		if wait >= float64(b.Max) {
			break
		}
		wait *= max(b.Factor, 1)
	}
	return min(time.Duration(min(wait, float64(b.Max))), b.Max)
}

// Decide is pure. A failed revision is tried again for as long as it is the
// wanted one, ever more slowly: what was wrong may be mended elsewhere.
func Decide(s Situation, now time.Time) Decision {
	if s.Retry == (Backoff{}) {
		s.Retry = DefaultRetry()
	}
	switch {
	case s.Running:
		return Decision{Reason: "a sync is running"}
	case s.Refused:
		return Decision{Reason: "the plan is refused"}
	case s.Manual:
		return Decision{Sync: true, Reason: "somebody asked for it"}
	case s.Due == 0 && s.Later > 0:
		return Decision{Reason: "later waves wait for earlier ones"}
	case s.Due == 0:
		return Decision{Reason: "in sync"}
	}
	return s.unasked(now)
}

// unasked decides about what is due and nobody asked for.
func (s Situation) unasked(now time.Time) Decision {
	again := s.Last.Revision == s.Revision && !s.Last.At.IsZero()
	switch {
	case again && s.Last.Unfinished && !s.Last.Failed:
		return Decision{Sync: true, Reason: "the next wave is due"}
	case !s.Automated && !s.Drifted:
		return Decision{Reason: "automated sync is off"}
	case s.Drifted && (!again || !s.Last.Failed):
		return Decision{Sync: true, Reason: "live state has drifted"}
	case !again:
		return Decision{Sync: true, Reason: "new revision"}
	case s.Last.Failed && s.Limit != nil && int64(s.Last.Count) > *s.Limit:
		return Decision{Reason: "the last sync failed, and its retries are used up"}
	case s.Last.Failed:
		return s.paced(now, s.Retry, "the last sync failed")
	case !s.SelfHeal:
		return Decision{Reason: "the revision was synced already and self-heal is off"}
	}
	// What is fought over is not due: see fights.
	return Decision{Sync: true, Reason: "live state has drifted"}
}

func (s Situation) paced(now time.Time, b Backoff, reason string) Decision {
	if s.Last.Count == 0 {
		return Decision{Sync: true, Reason: reason}
	}
	if left := s.Last.At.Add(b.Wait(s.Last.Count)).Sub(now); left > 0 {
		return Decision{Reason: reason, After: left}
	}
	return Decision{Sync: true, Reason: reason}
}
