package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what can be done about an error.
type Kind string

// The closed set of kinds.
const (
	// Transient: the same attempt may succeed later without anybody's help.
	Transient Kind = "Transient"
	// Invalid: the input is wrong; only a change of the input helps.
	Invalid Kind = "Invalid"
	// Denied: the other side refused who we are or what we asked for.
	Denied Kind = "Denied"
	// Conflict: somebody else holds or changed what we wanted to change.
	Conflict Kind = "Conflict"
	// Missing: what was asked for is not there.
	Missing Kind = "Missing"
)

type kinded struct {
	kind Kind
	err  error
}

func (k *kinded) Error() string { return k.err.Error() }
func (k *kinded) Unwrap() error { return k.err }

// Wrap gives err a kind; the text stays as it is. A nil err stays nil.
func Wrap(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &kinded{kind: kind, err: err}
}

// New makes an error of the given kind; format and args are fmt.Errorf's.
func New(kind Kind, format string, args ...any) error {
	return &kinded{kind: kind, err: fmt.Errorf(format, args...)}
}

// Of returns the outermost kind in err's chain, and Transient where none was
// given: what nobody classified is worth another attempt. It is empty for nil.
func Of(err error) Kind {
	if err == nil {
		return ""
	}
	var k *kinded
	if errors.As(err, &k) {
		return k.kind
	}
	return Transient
}

// Retryable reports whether another attempt without any change may succeed.
// A cancelled context is not worth one.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	kind := Of(err)
	return kind == Transient || kind == Conflict
}
