package agent

import (
	"context"
	"time"

	"github.com/go-logr/logr"
)

// sweeper removes mirrors that nobody uses; *git.Mirrors is one.
type sweeper interface {
	Sweep(unused time.Duration) (removed int, err error)
}

// Times of removing mirrors that an earlier agent left. The first look waits
// until applications had the time to say which they use.
const (
	keptMirror  = 7 * 24 * time.Hour
	firstSweep  = 10 * time.Minute
	betweenEach = time.Hour
)

// sweeping removes mirrors until the context ends. It implements
// manager.Runnable, and runs in the one agent that works.
type sweeping struct {
	mirrors sweeper
	log     logr.Logger
}

// Start implements manager.Runnable.
func (s sweeping) Start(ctx context.Context) error {
	wait := time.NewTimer(firstSweep)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		removed, err := s.mirrors.Sweep(keptMirror)
		if err != nil {
			s.log.Error(err, "mirrors that nobody uses stay on the disk until the next attempt", "after", betweenEach.String())
		}
		if removed > 0 {
			s.log.Info("mirrors that nobody used were removed", "mirrors", removed, "unused", keptMirror.String())
		}
		wait.Reset(betweenEach)
	}
}
