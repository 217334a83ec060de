package wire

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Past is a commit that is wanted with a part of its history.
type Past struct {
	Tip plumbing.Hash
	// Depth is how many commits are wanted on each way back, Tip included. A
	// server that cannot cut off history sends all of it.
	Depth int
	// Have are commits that we hold with their history, as far as that was
	// not cut off at one of Shallow.
	Have, Shallow []plumbing.Hash
}

// Deepen asks for a part of the history: commits and folders, and files only
// where a server cannot leave them out. It gives take the pack, and the
// commits whose parents were left out.
func (r *Remote) Deepen(ctx context.Context, auth Auth, p Past, take func(pack io.Reader, cut []plumbing.Hash) error) error {
	return r.talk(ctx, auth, func(ctx context.Context, c conversation, a *advert) error {
		if a.version2 {
			return exchange(ctx, c, a, deepen2(a, p), take)
		}
		wants := []plumbing.Hash{p.Tip}
		if !a.gives(p.Tip) {
			// It is somewhere in the history of the branches.
			if wants = a.branches(); len(wants) == 0 {
				return errEmpty()
			}
		}
		return exchange(ctx, c, a, deepen0(a, p, wants), take)
	})
}

// Contents asks for files by their ids. Servers of the older protocol are not
// asked: they leave out nothing that would be asked for here.
func (r *Remote) Contents(ctx context.Context, auth Auth, ids []plumbing.Hash, take func(io.Reader) error) error {
	return r.talk(ctx, auth, func(ctx context.Context, c conversation, a *advert) error {
		if !a.version2 {
			return fault.New(fault.Missing, "the server does not give single files")
		}
		var q request
		q.line("command=fetch")
		q.line("agent=%s", agent)
		q.delim()
		q.line("ofs-delta")
		q.line("no-progress")
		for _, h := range ids {
			q.line("want %s", h)
		}
		q.line("done")
		q.flush()
		return exchange(ctx, c, a, q.String(), func(pack io.Reader, _ []plumbing.Hash) error { return take(pack) })
	})
}

func deepen2(a *advert, p Past) string {
	var r request
	r.line("command=fetch")
	r.line("agent=%s", agent)
	r.delim()
	r.line("thin-pack")
	r.line("ofs-delta")
	r.line("no-progress")
	if a.can("fetch", "filter") {
		r.line("filter blob:none")
	}
	if a.can("fetch", "shallow") {
		for _, h := range p.Shallow {
			r.line("shallow %s", h)
		}
		r.line("deepen %d", p.Depth)
	}
	r.line("want %s", p.Tip)
	for _, h := range p.Have {
		r.line("have %s", h)
	}
	r.line("done")
	r.flush()
	return r.String()
}

func deepen0(a *advert, p Past, wants []plumbing.Hash) string {
	var features []string
	for _, f := range []string{"side-band-64k", "thin-pack", "ofs-delta", "no-progress", "shallow"} {
		if a.can(f, "") {
			features = append(features, f)
		}
	}
	var r request
	for i, h := range wants {
		if i == 0 {
			r.line("want %s %s agent=%s", h, strings.Join(features, " "), agent)
			continue
		}
		r.line("want %s", h)
	}
	if slices.Contains(features, "shallow") {
		for _, h := range p.Shallow {
			r.line("shallow %s", h)
		}
		r.line("deepen %d", p.Depth)
	}
	r.flush()
	for _, h := range p.Have {
		r.line("have %s", h)
	}
	r.line("done")
	return r.String()
}
