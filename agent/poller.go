package agent

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/internal/git"
)

// Poller asks every repository in use for its refs, once per interval, and
// wakes those who use one that changed.
type Poller struct {
	Mirrors  *git.Mirrors
	Interval time.Duration
	Wake     func(types.NamespacedName)
	Log      logr.Logger
	// Polled, where it is set, is told of each question: how long it took, and
	// what was wrong.
	Polled func(took time.Duration, err error)

	mu     sync.Mutex
	users  map[string]map[types.NamespacedName]bool // by normalized URL
	urls   map[string]string
	of     map[types.NamespacedName]string
	broken map[string]error
}

// Use notes that somebody depends on a repository; an empty URL ends it.
func (p *Poller) Use(who types.NamespacedName, url string) {
	key := ""
	if url != "" {
		key = git.Normalize(url)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == nil {
		p.users, p.urls = map[string]map[types.NamespacedName]bool{}, map[string]string{}
		p.of, p.broken = map[types.NamespacedName]string{}, map[string]error{}
	}
	if old, ok := p.of[who]; ok && old != key {
		delete(p.users[old], who)
		if len(p.users[old]) == 0 {
			delete(p.users, old)
			delete(p.broken, old)
			p.Mirrors.Forget(old)
		}
		delete(p.of, who)
	}
	if key == "" {
		return
	}
	if p.users[key] == nil {
		p.users[key] = map[types.NamespacedName]bool{}
	}
	p.users[key][who], p.of[who], p.urls[key] = true, key, url
}

// Err is why a repository could not be asked the last time; nil if it could.
func (p *Poller) Err(url string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken[git.Normalize(url)]
}

// Start polls until the context ends. It implements manager.Runnable.
func (p *Poller) Start(ctx context.Context) error {
	ticker := time.NewTicker(p.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			p.tick(ctx)
		}
	}
}

// parallelPolls bounds the conversations under way.
const parallelPolls = 8

func (p *Poller) tick(ctx context.Context) {
	p.mu.Lock()
	urls := make([]string, 0, len(p.users))
	for key := range p.users {
		urls = append(urls, p.urls[key])
	}
	p.mu.Unlock()
	var all errgroup.Group
	all.SetLimit(parallelPolls)
	for _, url := range urls {
		all.Go(func() error {
			p.poll(ctx, url)
			return nil // who uses the repository is told
		})
	}
	_ = all.Wait()
}

func (p *Poller) poll(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	changed, err := p.Mirrors.Poll(ctx, url)
	if p.Polled != nil {
		p.Polled(time.Since(began), err)
	}
	key := git.Normalize(url)
	p.mu.Lock()
	was := p.broken[key]
	if err == nil {
		delete(p.broken, key)
	} else if p.users[key] != nil {
		p.broken[key] = err
	}
	var wake []types.NamespacedName
	if changed || (was == nil) != (err == nil) {
		for who := range p.users[key] {
			wake = append(wake, who)
		}
	}
	p.mu.Unlock()
	if err != nil && was == nil {
		p.Log.Error(err, "a repository cannot be reached; the last commit stays in force", "repository", key)
	}
	for _, who := range wake {
		p.Wake(who)
	}
}
