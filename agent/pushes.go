package agent

import (
	"maps"
	"slices"

	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/agent/web"
)

// pushes has repositories polled that somebody pushed to, and sets looked at
// whose forge has news. It implements web.Pusher.
type pushes struct {
	// inUse lists the URLs that applications name, now polls one of them.
	inUse func() []string
	now   func(url string)
	// sets has those looked at again that ask a forge about one of the
	// repositories, given as host/path, and counts them. Nil is nobody.
	sets func(repositories []string) int
	// pulls look at pull requests, pages serve their reports; nil is nobody.
	pulls *previews.Service
	pages *previews.Files
}

// told has pull requests looked at that a forge has news of.
func (p pushes) told(urls []string, of web.Pull) int {
	if p.pulls == nil {
		return 0
	}
	return p.pulls.Told(slices.Sorted(maps.Keys(places(urls))), of.Number, of.Head)
}

// Pushed implements web.Pusher.
func (p pushes) Pushed(urls []string) web.Concerned {
	at := places(urls)
	polled := p.where(func(url string) bool { return at[place(url)] })
	return web.Concerned{Repositories: polled, ApplicationSets: p.look(at)}
}

// Changed implements web.Pusher.
func (p pushes) Changed(urls []string) web.Concerned {
	return web.Concerned{ApplicationSets: p.look(places(urls))}
}

func places(urls []string) map[string]bool {
	at := map[string]bool{}
	for _, url := range urls {
		if where := place(url); where != "" {
			at[where] = true
		}
	}
	return at
}

func (p pushes) look(at map[string]bool) int {
	if p.sets == nil || len(at) == 0 {
		return 0
	}
	return p.sets(slices.Sorted(maps.Keys(at)))
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
