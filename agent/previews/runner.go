package previews

import (
	"context"
	"errors"
	"sync"

	"github.com/trueup-dev/trueup/preview/queue"
)

// Why a job is stopped.
var (
	errNewer  = errors.New("there is a newer head")
	errClosed = errors.New("the pull request is not open any more")
)

// runner runs the jobs of a queue.
type runner struct {
	do func(ctx context.Context, j queue.Job)

	mu    sync.Mutex
	queue *queue.Queue
	stops map[int64]context.CancelCauseFunc
	ended int64
	wake  chan struct{}
}

func newRunner(b queue.Bounds, do func(context.Context, queue.Job)) *runner {
	return &runner{do: do, queue: queue.New(b), stops: map[int64]context.CancelCauseFunc{}, wake: make(chan struct{}, 1)}
}

// add wishes a job; false is that too many wait.
func (r *runner) add(k queue.Key, head string) bool {
	r.mu.Lock()
	v := r.queue.Add(k, head)
	if stop := r.stops[v.Stop]; stop != nil {
		stop(errNewer)
	}
	r.mu.Unlock()
	r.signal()
	return !v.Full
}

// drop forgets a pull request, and stops the job that runs for it.
func (r *runner) drop(k queue.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stop := r.stops[r.queue.Drop(k)]; stop != nil {
		stop(errClosed)
	}
}

// learn notes the head that a job found.
func (r *runner) learn(j queue.Job, head string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.Learn(j, head)
}

// busy tells whether a head of a pull request waits or runs.
func (r *runner) busy(k queue.Key, head string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Has(k, head)
}

// ends counts the jobs that ended.
func (r *runner) ends() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// waits counts what waits.
func (r *runner) waits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Waits()
}

func (r *runner) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run runs jobs until the context ends, and waits for those that run.
func (r *runner) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		r.mu.Lock()
		for ctx.Err() == nil {
			j, ok := r.queue.Next()
			if !ok {
				break
			}
			own, stop := context.WithCancelCause(ctx)
			r.stops[j.ID] = stop
			all.Go(func() {
				defer r.done(j, stop)
				r.do(own, j)
			})
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
	}
}

func (r *runner) done(j queue.Job, stop context.CancelCauseFunc) {
	stop(nil)
	r.mu.Lock()
	delete(r.stops, j.ID)
	r.queue.Done(j)
	r.ended++
	r.mu.Unlock()
	r.signal()
}
