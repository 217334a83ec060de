package previews

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/preview/follow"
	"github.com/trueup-dev/trueup/preview/post"
)

// watched is a repository whose pull requests are asked for. What it remembers
// saves questions, and nothing depends on it.
type watched struct {
	stop   context.CancelFunc
	poster *post.Poster
	// kick has the times looked at again, now asks the forge at once.
	kick, now chan struct{}

	mu         sync.Mutex
	repository Repository
	seen       map[int64]post.Pull
	// known are the pull requests that are not at their end.
	known map[int64]bool
	// again are pull requests to look at again at a time.
	again map[int64]time.Time
	// touches are the applications of merged pull requests.
	touches map[int64][]follow.App
	// posted stands for what was last told of a merge.
	posted map[int64]string
	rounds int
}

func newWatched(r Repository, stop context.CancelFunc, p *post.Poster) *watched {
	return &watched{
		repository: r, stop: stop, poster: p, kick: make(chan struct{}, 1), now: make(chan struct{}, 1),
		seen: map[int64]post.Pull{}, known: map[int64]bool{}, again: map[int64]time.Time{}, touches: map[int64][]follow.App{}, posted: map[int64]string{},
	}
}

func (w *watched) get() Repository {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.repository
}

func (w *watched) name() string { return w.get().Name }

func (w *watched) set(r Repository) {
	w.mu.Lock()
	changed := w.repository.Settings != r.Settings
	w.repository = r
	if changed {
		clear(w.seen) // all are looked at again
	}
	w.mu.Unlock()
	if changed {
		w.poll()
	}
}

func (w *watched) poll() { poke(w.now) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// later has a pull request looked at again, no later than at a time.
func (w *watched) later(pull int64, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.again[pull]; !ok || at.Before(old) {
		w.again[pull] = at
		poke(w.kick)
	}
}

// forget has a pull request count as new at the next question.
func (w *watched) forget(pull int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, pull)
}

// knows notes whether a pull request is at its end. It gives those that are not,
// where that is news.
func (w *watched) knows(pull int64, going bool) (all []int64, news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[pull] == going {
		return nil, false
	}
	if going {
		w.known[pull] = true
	} else {
		delete(w.known, pull)
	}
	return slices.Sorted(maps.Keys(w.known)), true
}

// follows notes what a merged pull request touches; none ends that.
func (w *watched) follows(pull int64, apps []follow.App) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(apps) == 0 {
		delete(w.touches, pull)
		delete(w.posted, pull)
		return
	}
	w.touches[pull] = apps
}

// news tells whether something else is to be told of a merge than the last
// time.
func (w *watched) news(pull int64, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posted[pull] != text
}

func (w *watched) toldNews(pull int64, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posted[pull] = text
}

// moved is that an application has another status.
func (w *watched) moved(namespace, name string, at time.Time) {
	w.mu.Lock()
	var pulls []int64
	for pull, apps := range w.touches {
		if slices.ContainsFunc(apps, func(a follow.App) bool { return a.Name == name && (a.Namespace == namespace || a.Namespace == "") }) {
			pulls = append(pulls, pull)
		}
	}
	w.mu.Unlock()
	for _, pull := range pulls {
		w.later(pull, at)
	}
}

// due takes the pull requests whose time has come, and tells when the next is.
func (w *watched) due(now time.Time) (pulls []int64, next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for pull, at := range w.again {
		switch {
		case !at.After(now):
			pulls = append(pulls, pull)
			delete(w.again, pull)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return pulls, next
}

// untold is how many questions pass until a pull request is looked at whose
// forge does not tell when it changed.
const untold = 5

// changed takes a new list of open pull requests, and gives those to look at,
// with their heads.
func (w *watched) changed(open []post.Pull) map[int64]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, now := map[int64]string{}, map[int64]post.Pull{}
	for _, p := range open {
		now[p.Number] = p
		old, ok := w.seen[p.Number]
		if !ok || old.Head != p.Head || !old.Updated.Equal(p.Updated) || old.Target != p.Target || p.Updated.IsZero() && w.rounds%untold == 0 {
			out[p.Number] = p.Head
		}
	}
	for number := range w.known {
		if _, ok := now[number]; !ok {
			out[number] = "" // merged, or closed
		}
	}
	w.seen = now
	w.rounds++
	return out
}

// watch asks for open pull requests until the context ends.
func (s *Service) watch(ctx context.Context, w *watched) {
	failures, last := 0, ""
	s.recall(w)
	next := s.o.Clock.Now().Add(time.Duration(s.o.Random() * float64(min(s.o.Interval, 5*time.Second))))
	for {
		pulls, at := w.due(s.o.Clock.Now())
		for _, pull := range pulls {
			s.want(w, pull, "")
		}
		if at.IsZero() || next.Before(at) {
			at = next
		}
		if !s.idle(ctx, w, max(at.Sub(s.o.Clock.Now()), 0)) {
			return
		}
		asked := false
		select {
		case <-w.now:
			asked = true
		default:
		}
		if now := s.o.Clock.Now(); !asked && now.Before(next) {
			continue
		}
		err := s.poll(ctx, w)
		text := ""
		if failures++; err == nil {
			failures = 0
		} else {
			text = err.Error()
		}
		if err != nil && text != last && ctx.Err() == nil {
			s.o.Log.Error(err, "open pull requests are not known", "repository", w.name())
		}
		last, next = text, s.o.Clock.Now().Add(s.pause(failures))
		if at, ok := fault.NotBefore(err); ok && at.After(next) {
			next = at
		}
	}
}

// recall looks at what was not at its end when an agent ran last.
func (s *Service) recall(w *watched) {
	if s.o.Notes == nil {
		return
	}
	pulls, err := s.o.Notes.Noted(w.name())
	if err != nil {
		s.o.Log.Error(err, "what was merged meanwhile is not told")
	}
	for _, pull := range pulls {
		w.knows(pull, true)
		s.want(w, pull, "")
	}
}

// ends notes whether a pull request is at its end.
func (s *Service) ends(w *watched, pull int64, ended bool) {
	all, news := w.knows(pull, !ended)
	if !news || s.o.Notes == nil {
		return
	}
	if err := s.o.Notes.Note(w.name(), all); err != nil {
		s.o.Log.Error(err, "what is merged while no agent runs will not be told")
	}
}

// idle waits; false is that the context ended.
func (s *Service) idle(ctx context.Context, w *watched, d time.Duration) bool {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-own.Done():
		case <-w.kick:
		case <-w.now:
			poke(w.now) // for who waits
		}
		cancel()
	}()
	_ = s.o.Clock.Wait(own, d)
	cancel()
	<-done
	return ctx.Err() == nil
}

func (s *Service) poll(ctx context.Context, w *watched) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	forge, err := s.open(ctx, w)
	if err != nil {
		return err
	}
	open, err := forge.Pulls.Open(ctx)
	if err != nil {
		return fmt.Errorf("ask for the open pull requests of %s: %w", w.name(), err)
	}
	for number, head := range w.changed(open) {
		s.want(w, number, head)
	}
	return nil
}

// open reaches the forge with credentials that work now.
func (s *Service) open(ctx context.Context, w *watched) (post.Repository, error) {
	r := w.get()
	forge, err := s.o.Repositories.Open(ctx, r)
	if err != nil {
		return forge, fmt.Errorf("reach the forge of %s: %w", r.Name, err)
	}
	w.poster.Renew(forge)
	return forge, nil
}

// retry is when to try again after an error.
func (s *Service) retry(err error) time.Time {
	now := s.o.Clock.Now()
	if at, ok := fault.NotBefore(err); ok && at.After(now) {
		return at
	}
	if fault.Retryable(err) || errors.Is(err, context.DeadlineExceeded) {
		return now.Add(time.Minute)
	}
	return now.Add(30 * time.Minute)
}
