package fault

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestNotBefore(t *testing.T) {
	t.Parallel()
	soon, late := time.Unix(100, 0), time.Unix(200, 0)
	limit := func(at time.Time) error { return Later(at, errors.New("rate limit")) }
	for name, tc := range map[string]struct {
		err  error
		want time.Time
	}{
		"nothing went wrong":                        {nil, time.Time{}},
		"an error that names no time":               {errors.New("cause"), time.Time{}},
		"a time":                                    {limit(soon), soon},
		"a time survives wrapping":                  {fmt.Errorf("list: %w", Wrap(Transient, limit(soon))), soon},
		"of several the latest":                     {errors.Join(limit(soon), errors.New("cause"), fmt.Errorf("x: %w", limit(late))), late},
		"of several the latest, whatever the order": {fmt.Errorf("%w and %w", limit(late), limit(soon)), late},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := NotBefore(tc.err)
			if !got.Equal(tc.want) || ok == tc.want.IsZero() {
				t.Errorf("NotBefore(%v) = %v, %v, want %v", tc.err, got, ok, tc.want)
			}
		})
	}
}

func TestLaterIsTransient(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := Later(time.Unix(1, 0), Wrap(Denied, cause))
	if Of(err) != Transient || err.Error() != "cause" || !errors.Is(err, cause) {
		t.Errorf("Later made %v of kind %s", err, Of(err))
	}
	if Later(time.Unix(1, 0), nil) != nil {
		t.Error("Later made an error of nothing")
	}
}
