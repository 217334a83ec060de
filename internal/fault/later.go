package fault

import (
	"errors"
	"time"
)

type later struct {
	at  time.Time
	err error
}

func (l *later) Error() string { return l.err.Error() }
func (l *later) Unwrap() error { return l.err }

// Later makes err Transient and says when the next attempt may succeed, such
// as when a rate limit ends; the text stays as it is. A nil err stays nil.
func Later(at time.Time, err error) error {
	if err == nil {
		return nil
	}
	return Wrap(Transient, &later{at: at, err: err})
}

// NotBefore is the latest of the times that Later gave to err, or to any of
// the errors joined in it; ok is false where there is none.
func NotBefore(err error) (at time.Time, ok bool) {
	for err != nil {
		if joined, is := err.(interface{ Unwrap() []error }); is {
			for _, one := range joined.Unwrap() {
				if t, found := NotBefore(one); found && t.After(at) {
					at, ok = t, true
				}
			}
			return at, ok
		}
		if l, is := err.(*later); is && l.at.After(at) { //nolint:errorlint // this very one is opened
			at, ok = l.at, true
		}
		err = errors.Unwrap(err)
	}
	return at, ok
}
