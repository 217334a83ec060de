package scm

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/scm/ci"
	"github.com/trueup-dev/trueup/preview/post"
)

// A repository that is open knows who we are and what its server can, which
// costs a request each. It stays so for an hour: a server is upgraded and an
// account renamed now and then.
const (
	openTime = time.Hour
	maxOpen  = 1000
)

// opening is what a repository was opened by: another token, other
// certificates or another address open another.
type opening struct {
	place   ci.Place
	session [sha256.Size]byte
	app     bool
}

// openings are repositories that stay open. It is safe for concurrent use.
type openings struct {
	now func() time.Time

	mu   sync.Mutex
	open map[opening]held
}

type held struct {
	repository post.Repository
	until      time.Time
}

func newOpenings(now func() time.Time) *openings {
	return &openings{now: now, open: map[opening]held{}}
}

// get gives the repository that is open, or opens it, which asks no server.
func (o *openings) get(by opening, open func() (post.Repository, error)) (post.Repository, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if has, ok := o.open[by]; ok && now.Before(has.until) {
		return has.repository, nil
	}
	r, err := open()
	if err != nil {
		return post.Repository{}, err
	}
	if len(o.open) >= maxOpen {
		// Tokens of an hour leave many behind.
		for key, one := range o.open {
			if !now.Before(one.until) {
				delete(o.open, key)
			}
		}
	}
	if len(o.open) < maxOpen {
		o.open[by] = held{repository: r, until: now.Add(openTime)}
	}
	return r, nil
}
