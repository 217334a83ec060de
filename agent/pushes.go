package agent

import (
	"context"
	"sync"
)

// pushes has repositories polled that somebody pushed to. It implements
// web.Pusher.
type pushes struct {
	// inUse lists the URLs that applications name, now polls one of them.
	inUse func() []string
	now   func(url string)
}

// Pushed implements web.Pusher.
func (p pushes) Pushed(urls []string) int {
	at := map[string]bool{}
	for _, url := range urls {
		if where := place(url); where != "" {
			at[where] = true
		}
	}
	return p.where(func(url string) bool { return at[place(url)] })
}

// where polls the repositories in use that match.
func (p pushes) where(match func(url string) bool) int {
	n := 0
	for _, url := range p.inUse() {
		if match(url) {
			p.now(url)
			n++
		}
	}
	return n
}

// InUse lists the repositories that somebody depends on.
func (p *Poller) InUse() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	urls := make([]string, 0, len(p.users))
	for key := range p.users {
		urls = append(urls, p.urls[key])
	}
	return urls
}

// prompt polls repositories out of turn. One that is asked for again while it
// waits is polled once; while it is polled, once more.
type prompt struct {
	poll func(ctx context.Context, url string)

	mu     sync.Mutex
	due    map[string]bool
	polled map[string]bool // now
	wake   chan struct{}
}

func newPrompt(poll func(context.Context, string)) *prompt {
	return &prompt{poll: poll, due: map[string]bool{}, polled: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// Now has a repository polled at once.
func (p *prompt) Now(url string) {
	p.mu.Lock()
	p.due[url] = true
	p.mu.Unlock()
	p.stir()
}

func (p *prompt) stir() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}

// Start polls what it is asked for until the context ends. It implements
// manager.Runnable.
func (p *prompt) Start(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		}
		for _, url := range p.take() {
			all.Go(func() {
				defer p.done(url)
				p.poll(ctx, url)
			})
		}
	}
}

// take picks what may start now.
func (p *prompt) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var urls []string
	for url := range p.due {
		if len(p.polled) == parallelPolls {
			break
		}
		if !p.polled[url] {
			delete(p.due, url)
			p.polled[url] = true
			urls = append(urls, url)
		}
	}
	return urls
}

func (p *prompt) done(url string) {
	p.mu.Lock()
	delete(p.polled, url)
	p.mu.Unlock()
	p.stir()
}
