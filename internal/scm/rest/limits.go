package rest

import (
	"crypto/sha256"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limits remembers how much each credential may still ask of each host.
type limits struct {
	now func() time.Time

	mu    sync.Mutex
	known map[[sha256.Size]byte]limit
}

type limit struct {
	host string
	// blocked is when asking makes sense again; zero is now.
	blocked time.Time
	// remaining is negative where it is not known; it counts until reset.
	remaining float64
	reset     time.Time
}

// A wait is at least pause where a forge refuses and does not say for how
// long, and at most longest, so that a wrong header stops nothing for good.
const (
	pause   = time.Minute
	longest = 6 * time.Hour
)

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, known: map[[sha256.Size]byte]limit{}}
}

// until tells when a credential may ask again; ok is false where it may now.
func (l *limits) until(who [sha256.Size]byte) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.known[who].blocked
	return at, l.now().Before(at)
}

// saw reads the headers of an answer. It tells until when nothing is to be
// asked, zero if anything may be.
func (l *limits) saw(who [sha256.Size]byte, host string, status int, header http.Header, message string) time.Time {
	now := l.now()
	one := limit{host: host, remaining: -1}
	one.remaining, one.reset = remaining(header, now)
	refused := status == http.StatusTooManyRequests ||
		status == http.StatusForbidden && (one.remaining == 0 || header.Get("Retry-After") != "" || strings.Contains(strings.ToLower(message), "rate limit"))
	retry := retryAfter(header, now)
	switch {
	case (refused || status == http.StatusServiceUnavailable) && !retry.IsZero():
		one.blocked = retry
	case one.remaining == 0 && !one.reset.IsZero():
		one.blocked = one.reset
	case refused:
		one.blocked = now.Add(pause)
	}
	if most := now.Add(longest); one.blocked.After(most) {
		one.blocked = most
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.remaining < 0 && one.blocked.IsZero() {
		return time.Time{}
	}
	for k, old := range l.known { // what is over says nothing any more
		if old.blocked.Before(now) && old.reset.Before(now) {
			delete(l.known, k)
		}
	}
	if old := l.known[who]; one.remaining < 0 {
		one.remaining, one.reset = old.remaining, old.reset
		if old.host == "" {
			one.remaining = -1
		}
	}
	l.known[who] = one
	if !one.blocked.After(now) {
		return time.Time{}
	}
	return one.blocked
}

// least is the least that any credential has left on a host, negative if no
// one knows.
func (l *limits) least(host string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	least, now := math.Inf(1), l.now()
	for _, one := range l.known {
		if one.host == host && one.remaining >= 0 && one.reset.After(now) {
			least = min(least, one.remaining)
		}
	}
	if math.IsInf(least, 1) {
		return -1
	}
	return least
}

// remaining reads what is left, in the forms of GitHub, Azure DevOps and
// Bitbucket (X-RateLimit-), and of GitLab and the draft standard (RateLimit-).
func remaining(header http.Header, now time.Time) (float64, time.Time) {
	for _, prefix := range []string{"X-RateLimit-", "RateLimit-"} {
		left, err := strconv.ParseFloat(header.Get(prefix+"Remaining"), 64)
		if err != nil || left < 0 || math.IsNaN(left) {
			continue
		}
		return left, moment(header.Get(prefix+"Reset"), now)
	}
	return -1, time.Time{}
}

// moment reads seconds since 1970, or from now where they are few.
func moment(text string, now time.Time) time.Time {
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || seconds < 0:
		return time.Time{}
	case seconds < 1_000_000:
		return now.Add(time.Duration(seconds) * time.Second)
	case seconds > now.Add(longest).Unix():
		return now.Add(longest)
	}
	return time.Unix(seconds, 0)
}

// retryAfter reads seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Time {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds >= 0 {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return at
	}
	return time.Time{}
}
