package reconcile

import (
	"errors"
	"fmt"
	"time"

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

// lose forgets what was known of objects that nothing has told of for too
// long: when the cluster is back, they are read before anything is said.
func (m *Memory) lose(err error) {
	if u := new(Unreachable); errors.As(err, &u) {
		m.Recheck()
	}
}
