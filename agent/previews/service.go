package previews

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/preview/comment"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
	"github.com/trueup-dev/trueup/preview/queue"
)

// Service previews pull requests. It is safe for concurrent use.
type Service struct {
	o             Options
	looks, trials *runner
	running       sync.WaitGroup
	// life ends with the service, and not with one look.
	life context.Context //nolint:containedctx // what must not stop halfway is bounded by it
	end  context.CancelFunc

	mu    sync.Mutex
	repos map[string]*watched // by name
	paces map[string]*post.Pace
	told  string // what was last wrong with the list
	// relist asks for the list of repositories at once.
	relist chan struct{}
}

const (
	parallelLooks = 8
	looksEach     = 4
	lookTime      = 2 * time.Minute
)

// New makes a Service; Start runs it.
func New(o Options) *Service {
	o.Instance = cmp.Or(o.Instance, DefaultInstance)
	o.Interval, o.Timeout, o.Rebase = cmp.Or(o.Interval, time.Minute), cmp.Or(o.Timeout, 5*time.Minute), cmp.Or(o.Rebase, 10*time.Minute)
	o.Follow, o.Parallel = cmp.Or(o.Follow, 24*time.Hour), cmp.Or(o.Parallel, 2)
	if o.Clock.Now == nil || o.Clock.Wait == nil {
		o.Clock = post.RealClock()
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Metrics.Previewed == nil {
		o.Metrics.Previewed = func(string, time.Duration) {}
	}
	if o.Metrics.Commanded == nil {
		o.Metrics.Commanded = func(string, string) {}
	}
	s := &Service{o: o, repos: map[string]*watched{}, paces: map[string]*post.Pace{}, relist: make(chan struct{}, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	s.looks = newRunner(queue.Bounds{Running: parallelLooks, PerRepository: looksEach, Waiting: 1000}, s.confined("look at", s.look))
	s.trials = newRunner(queue.Bounds{Running: o.Parallel}, s.confined("preview", s.try))
	return s
}

// Waiting counts the previews that wait for their turn.
func (s *Service) Waiting() int { return s.trials.waits() }

// Start runs until the context ends, and what it started has stopped then.
func (s *Service) Start(ctx context.Context) error {
	defer s.running.Wait()
	context.AfterFunc(ctx, s.end)
	s.running.Go(func() { s.looks.run(ctx) })
	s.running.Go(func() { s.trials.run(ctx) })
	for {
		s.list(ctx)
		wait, cancel := context.WithTimeout(ctx, s.pause(0))
		select {
		case <-wait.Done():
		case <-s.relist:
		}
		cancel()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// pause is about an interval, and twice as long after each failure.
func (s *Service) pause(failures int) time.Duration {
	const longest = 10 * time.Minute
	wait := s.o.Interval
	for range min(failures, 20) {
		wait = min(2*wait, max(longest, s.o.Interval))
	}
	return time.Duration(float64(wait) * (0.9 + 0.2*s.o.Random()))
}

// list brings what is watched in line with what is switched on.
func (s *Service) list(ctx context.Context) {
	all, err := s.o.Repositories.Previewed(ctx)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != s.told && err != nil {
		s.o.Log.Error(err, "pull requests of some repositories cannot be previewed")
	}
	s.told = text
	wanted := map[string]bool{}
	for _, r := range all {
		wanted[r.Name] = true
		if w := s.repos[r.Name]; w != nil {
			w.set(r)
			continue
		}
		host, _, _ := strings.Cut(r.Name, "/")
		if s.paces[host] == nil {
			s.paces[host] = post.NewPace(s.o.Clock)
		}
		own, stop := context.WithCancel(ctx)
		w := newWatched(r, stop, post.NewPoster(post.Repository{}, post.Options{Clock: s.o.Clock, Pace: s.paces[host]}))
		s.repos[r.Name] = w
		s.o.Log.Info("pull requests are previewed", "repository", r.Name, "forks", string(r.Settings.Forks))
		s.running.Go(func() { s.watch(own, w) })
	}
	for name, w := range s.repos {
		if !wanted[name] && err == nil {
			w.stop()
			delete(s.repos, name)
			s.o.Log.Info("pull requests are not previewed any more", "repository", name)
		}
	}
}

func (s *Service) watched(name string) *watched {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repos[name]
}

// Told is that a forge has news of a pull request of the repository with these
// names, as host/path; 0 is of any. Head is empty where it is not told. It tells
// how many repositories that concerns.
func (s *Service) Told(names []string, pull int64, head string) int {
	s.mu.Lock()
	var all []*watched
	for name, w := range s.repos {
		if slices.Contains(names, name) {
			all = append(all, w)
		}
	}
	s.mu.Unlock()
	for _, w := range all {
		if pull > 0 {
			s.want(w, pull, head)
		} else {
			w.poll()
		}
	}
	return len(all)
}

// Relist looks at once at which repositories are switched on.
func (s *Service) Relist() {
	select {
	case s.relist <- struct{}{}:
	default:
	}
}

// settling is how long an application's news wait for more of them.
const settling = 3 * time.Second

// Moved is that an application's status changed: the pull requests that touch
// it, and are merged, are looked at again soon.
func (s *Service) Moved(namespace, name string) {
	s.mu.Lock()
	all := make([]*watched, 0, len(s.repos))
	for _, w := range s.repos {
		all = append(all, w)
	}
	s.mu.Unlock()
	for _, w := range all {
		w.moved(namespace, name, s.o.Clock.Now().Add(settling))
	}
}

// want has a pull request looked at. Where too many wait it is seen by a later
// question.
func (s *Service) want(w *watched, pull int64, head string) {
	if !s.looks.add(queue.Key{Repository: w.name(), Pull: pull}, head) {
		w.forget(pull)
	}
}

// confined keeps a panic to one job.
func (s *Service) confined(what string, do func(context.Context, queue.Job) error) func(context.Context, queue.Job) {
	return func(ctx context.Context, j queue.Job) {
		log := s.o.Log.WithValues("repository", j.Repository, "pull", j.Pull)
		defer func() {
			if p := recover(); p != nil {
				s.o.Metrics.Previewed("panicked", 0)
				log.Error(fmt.Errorf("panic: %v", p), "could not "+what+" a pull request", "stack", string(debug.Stack()))
				if w := s.watched(j.Repository); w != nil {
					w.later(j.Pull, s.o.Clock.Now().Add(time.Hour))
				}
			}
		}()
		err := do(ctx, j)
		cause := context.Cause(ctx)
		switch {
		case err == nil:
		case errors.Is(cause, errNewer) || errors.Is(cause, errClosed) || ctx.Err() != nil:
			log.V(1).Info("stopped", "what", what, "why", fmt.Sprint(cause))
		default:
			log.Error(err, "could not "+what+" a pull request")
			if w := s.watched(j.Repository); w != nil {
				w.later(j.Pull, s.retry(err))
			}
		}
	}
}

// steady is a context for what must not stop halfway: a newer head does not end
// it, nor the time of the look, but the end of the service and its own time.
func (s *Service) steady(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// context is the name of a status of ours.
func (s *Service) context(of string) string {
	if s.o.Instance == DefaultInstance {
		return of
	}
	return of + "/" + s.o.Instance
}

// marker begins our comment.
func (s *Service) marker() string { return comment.Marker(s.o.Instance) }

// round is one look at a pull request.
type round struct {
	w      *watched
	r      Repository
	forge  post.Repository
	pull   post.Pull
	thread post.Thread
	own    post.Comment
	has    bool
	state  follow.State
	// ends are the previews that had ended before it was read.
	ends int64
}

func (rd *round) key() queue.Key { return queue.Key{Repository: rd.r.Name, Pull: rd.pull.Number} }

// past are the heads that our comment tells of.
func (rd *round) past() []comment.Past { return comment.PastOf(rd.own.Body, rd.pull.Head) }
