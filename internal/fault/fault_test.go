package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	tests := map[string]struct {
		err       error
		want      Kind
		retryable bool
	}{
		"nothing went wrong":                    {nil, "", false},
		"an unclassified error may pass":        {cause, Transient, true},
		"a kind survives wrapping":              {fmt.Errorf("fetch: %w", Wrap(Denied, cause)), Denied, false},
		"the outermost kind decides":            {Wrap(Invalid, Wrap(Transient, cause)), Invalid, false},
		"a conflict is worth another attempt":   {New(Conflict, "object %s changed", "web"), Conflict, true},
		"a cancelled attempt is not repeated":   {context.Canceled, Transient, false},
		"a kind is found behind a joined error": {errors.Join(cause, New(Missing, "no such path")), Missing, false},
		"wrapping nothing stays nothing":        {Wrap(Invalid, nil), "", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Of(tc.err); got != tc.want {
				t.Errorf("Of(%v) = %q, want %q", tc.err, got, tc.want)
			}
			if got := Retryable(tc.err); got != tc.retryable {
				t.Errorf("Retryable(%v) = %v, want %v", tc.err, got, tc.retryable)
			}
		})
	}
}

func TestWrapKeepsTheCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := Wrap(Invalid, cause)
	if !errors.Is(err, cause) || err.Error() != "cause" {
		t.Errorf("Wrap hid its cause: %v", err)
	}
}
