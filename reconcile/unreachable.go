package reconcile

import (
	"errors"
	"fmt"
	"time"
	"weak"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Reasons of ComparisonError.
const (
	// ClusterUnreachable: a cluster has not told for too long what happens in it.
	ClusterUnreachable = "ClusterUnreachable"
	// ObjectsUnknown: single objects could not be compared, and the rest was.
	ObjectsUnknown = "Unknown"
)

// Unreachable is why an application is not said to be in sync: nothing tells
// what has happened in its cluster since. It is worth another attempt.
type Unreachable struct {
	Cluster string
	Since   time.Time
	Err     error
}

func (u *Unreachable) Error() string {
	return fmt.Sprintf("cluster %s is unreachable since %s, and what is told of it is as of then: %v", u.Cluster, u.Since.UTC().Format("2006-01-02 15:04:05 MST"), u.Err)
}

func (u *Unreachable) Unwrap() error { return u.Err }

// reasonOf is the one word for what kept an application from being compared.
func reasonOf(err error) string {
	if u := new(Unreachable); errors.As(err, &u) {
		return ClusterUnreachable
	}
	return string(fault.Of(err))
}

// lose has objects read again that nothing has told of for too long: when the cluster is back, they are read before anything is said.
func (m *Memory) lose(err error) {
	if u := new(Unreachable); errors.As(err, &u) {
		m.Recheck()
	}
}

// connection names a connection to a cluster, and keeps nothing of it alive.
type connection struct {
	name, server string
	of           weak.Pointer[Cluster]
}

// connects has everything read again where another connection than the last
// one tells of it: what went between the two it does not know, and so never
// tells. What was seen in another cluster says nothing about this one.
func (m *Memory) connects(c *Cluster) {
	m.mu.Lock()
	was, is := m.tells, connection{c.Name, c.Server, weak.Make(c)}
	m.tells = is
	if was != (connection{}) && (was.name != is.name || was.server != is.server) {
		m.seen, m.inbox, m.answers = nil, nil, nil
	}
	m.mu.Unlock()
	if was != is {
		m.Recheck()
	}
}
