package agent

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/internal/repourl"
)

// RefQuerier asks repositories for their refs; *git.Mirrors is one.
type RefQuerier interface {
	// Poll tells whether something changed since it was called the last time.
	Poll(ctx context.Context, url string) (changed bool, err error)
	// Tidy is for when nobody waits.
	Tidy(ctx context.Context, url string) error
	// Forget tells that nobody uses a repository any more.
	Forget(url string)
}

// Poller asks every repository in use for its refs, once per interval, and
// wakes those who use one that changed. Repositories do not wait for each
// other; one that fails is asked less and less often.
type Poller struct {
	Mirrors  RefQuerier
	Interval time.Duration
	// Wake is called by several goroutines at a time.
	Wake func(types.NamespacedName)
	Log  logr.Logger
	// Polled, where it is set, is told of each question: how long it took, and
	// what was wrong.
	Polled func(took time.Duration, err error)
	// Random gives numbers from 0 to 1, for jitter; nil is the machine's.
	Random func() float64

	mu    sync.Mutex
	repos map[string]*polled // by normalized URL
	of    map[types.NamespacedName][]string
	// start starts to poll a repository; nil while the Poller does not run.
	start func(*polled)
}

// polled is a repository in use.
type polled struct {
	key, url string
	users    map[types.NamespacedName]bool
	// now holds a wish to be asked at once. One that comes while a question
	// is under way is kept for the next.
	now    chan struct{}
	cancel context.CancelFunc
	// failures counts those since the last success; err is the last one.
	failures int
	err      error
}

// UseAll notes the repositories that somebody depends on, in place of those
// noted before.
func (p *Poller) UseAll(who types.NamespacedName, urls []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.repos == nil {
		p.repos, p.of = map[string]*polled{}, map[types.NamespacedName][]string{}
	}
	wanted := make(map[string]bool, len(urls))
	keys := make([]string, 0, len(urls))
	for _, url := range urls {
		key := repourl.Normalize(url)
		if !wanted[key] {
			wanted[key] = true
			keys = append(keys, key)
			p.add(key, url).users[who] = true
		}
	}
	for _, old := range p.of[who] {
		if !wanted[old] {
			p.leave(old, who)
		}
	}
	if p.of[who] = keys; len(keys) == 0 {
		delete(p.of, who)
	}
}

func (p *Poller) add(key, url string) *polled {
	r, ok := p.repos[key]
	if !ok {
		r = &polled{key: key, url: url, users: map[types.NamespacedName]bool{}, now: make(chan struct{}, 1)}
		p.repos[key] = r
		if p.start != nil {
			p.start(r)
		}
	}
	return r
}

func (p *Poller) leave(key string, who types.NamespacedName) {
	r, ok := p.repos[key]
	if !ok {
		return
	}
	if delete(r.users, who); len(r.users) > 0 {
		return
	}
	delete(p.repos, key)
	if r.cancel != nil {
		r.cancel()
	}
	p.Mirrors.Forget(r.url)
}

// Err is why a repository could not be asked the last time; nil if it could.
func (p *Poller) Err(url string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.repos[repourl.Normalize(url)]; ok {
		return r.err
	}
	return nil
}

// InUse lists the repositories that somebody depends on.
func (p *Poller) InUse() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	urls := make([]string, 0, len(p.repos))
	for _, r := range p.repos {
		urls = append(urls, r.url)
	}
	return urls
}

// Uses lists the URLs that somebody depends on, in their normal form.
func (p *Poller) Uses(who types.NamespacedName) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.of[who])
}

// Now has a repository asked at once, and tells whether it is in use. Of many
// wishes that come while a question is under way one more question comes.
func (p *Poller) Now(url string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.repos[repourl.Normalize(url)]
	if !ok {
		return false
	}
	select {
	case r.now <- struct{}{}:
	default:
	}
	return true
}

// Bounds of polling. Repositories that failed the last time have slots of
// their own, so that a forge which does not answer does not keep others
// waiting.
const (
	pollTime       = time.Minute
	parallelPolls  = 32
	parallelFailed = 8
	longestWait    = 10 * time.Minute
)

// Start polls until the context ends. It implements manager.Runnable.
func (p *Poller) Start(ctx context.Context) error {
	var all sync.WaitGroup
	healthy, failing := make(chan struct{}, parallelPolls), make(chan struct{}, parallelFailed)
	p.mu.Lock()
	p.start = func(r *polled) {
		own, cancel := context.WithCancel(ctx)
		r.cancel = cancel
		all.Go(func() {
			defer cancel()
			p.follow(own, r, healthy, failing)
		})
	}
	for _, r := range p.repos {
		p.start(r)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.start = nil // who comes now is not polled
	p.mu.Unlock()
	all.Wait()
	return nil
}

// follow polls one repository for as long as it is in use.
func (p *Poller) follow(ctx context.Context, r *polled, healthy, failing chan struct{}) {
	random := p.Random
	if random == nil {
		random = rand.Float64
	}
	// The first question comes at any time of an interval, so that those of
	// many repositories are spread.
	wait := time.NewTimer(time.Duration(random() * float64(p.Interval)))
	defer wait.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		case <-r.now:
		}
		slots := healthy
		if failures > 0 {
			slots = failing
		}
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		select {
		case <-r.now: // this question is the answer to that wish as well
		default:
		}
		failures = p.poll(ctx, r)
		<-slots
		wait.Reset(pause(p.Interval, failures, random()))
	}
}

// pause is how long to wait for the next question: about an interval, and
// twice as long after each failure.
func pause(interval time.Duration, failures int, random float64) time.Duration {
	wait := float64(interval)
	limit := max(wait, float64(longestWait))
	for range min(failures, 30) {
		wait = min(2*wait, limit)
	}
	return time.Duration(wait * (0.9 + 0.2*random))
}

// wake wakes all, on every core: each of thousands may have to find out
// whether what changed concerns it.
func (p *Poller) wake(all []types.NamespacedName) {
	if len(all) == 0 {
		return
	}
	var group sync.WaitGroup
	for part := range slices.Chunk(all, len(all)/runtime.GOMAXPROCS(0)+1) {
		group.Go(func() {
			for _, who := range part {
				p.Wake(who)
			}
		})
	}
	group.Wait()
}

func (p *Poller) poll(ctx context.Context, r *polled) (failures int) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	began := time.Now()
	changed, err := p.Mirrors.Poll(ctx, r.url)
	p.mu.Lock()
	if p.repos[r.key] != r || err != nil && context.Cause(ctx) == context.Canceled { //nolint:errorlint // it is the value itself
		p.mu.Unlock()
		return 0 // nobody wants to know any more
	}
	was := r.err
	if r.err = err; err == nil {
		r.failures = 0
	} else {
		r.failures++
	}
	failures = r.failures
	var wake []types.NamespacedName
	if changed || (was == nil) != (err == nil) {
		for who := range r.users {
			wake = append(wake, who)
		}
	}
	p.mu.Unlock()
	if p.Polled != nil {
		p.Polled(time.Since(began), err)
	}
	if err != nil && was == nil {
		p.Log.Error(err, "a repository cannot be reached; the last commit stays in force", "repository", repourl.Redact(r.key))
	}
	p.wake(wake)
	if err == nil {
		if err := p.Mirrors.Tidy(ctx, r.url); err != nil && ctx.Err() == nil {
			p.Log.Error(err, "the mirror stays larger than it need be", "repository", repourl.Redact(r.key))
		}
	}
	return failures
}
