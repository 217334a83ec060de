package agent

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
)

// swept notes when it was asked, and fails the second time.
type swept struct {
	began time.Time
	at    []time.Duration
}

func (s *swept) Sweep(unused time.Duration) (int, error) {
	s.at = append(s.at, time.Since(s.began))
	if len(s.at) == 2 {
		return 0, errors.New("the disk is full")
	}
	return int(unused / keptMirror), nil
}

// TestMirrorsAreSwept: a while after the start and then every hour, whatever
// went wrong, until it is told to stop.
func TestMirrorsAreSwept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &swept{began: time.Now()}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
		defer stop()
		var told int
		log := funcr.New(func(string, string) { told++ }, funcr.Options{})
		if err := (sweeping{s, log}).Start(ctx); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]time.Duration{10 * time.Minute, 70 * time.Minute, 130 * time.Minute}, s.at); diff != "" {
			t.Errorf("the times (-want +got):\n%s", diff)
		}
		if told != 3 {
			t.Errorf("%d lines were logged for two removals and a failure", told)
		}
	})
}
