package reconcile

import (
	"context"

	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// asked is what the last rendering of one source depended on.
type asked struct {
	reads render.Reads
	// trees are the source's own, then all others.
	trees []asking
}

// asking is a tree that was asked, and what.
type asking struct {
	at    snapshot.Location
	reads snapshot.ReadSet
	// failed: it could not be opened.
	failed bool
}

// standing is the last commit at which a tree was seen to give the same
// answers, and the paths whose answers must be asked for in any case. The
// zero value is nothing known.
type standing struct {
	commit  string
	winding []string
}

func standingAt(tree snapshot.Tree, reads snapshot.ReadSet) standing {
	return standing{commit: tree.Commit.SHA, winding: reads.Winding(tree.FS)}
}

// asks notes what the rendering of one source depended on, and where the trees
// stand that are open.
func (d *Desired) asks(req render.Request, at snapshot.Location, refs map[string]snapshot.Location, reads render.Reads) {
	a := asked{reads: reads, trees: []asking{{at: at, reads: reads.Tree}}}
	d.stand = append(d.stand, standingAt(req.Tree, reads.Tree))
	for name, set := range reads.Refs {
		a.trees = append(a.trees, asking{at: refs[name], reads: set})
		d.stand = append(d.stand, standingAt(req.Refs[name], set))
	}
	for _, more := range reads.More {
		a.trees = append(a.trees, asking{at: more.At, reads: more.Reads, failed: more.Failed != ""})
		d.stand = append(d.stand, standing{})
	}
	d.asked = append(d.asked, a)
}

// Touched tells whether a source of an application has moved in a way that its
// objects may depend on. It renders nothing, and asks the network only for
// commits that are not held yet. What it cannot tell counts as touched, and so
// does an application that is looked at just now, at a commit that may be an
// earlier one.
//
// It takes about a microsecond for an application that a commit does not
// touch: repositories tell what changed since the commit at which the answers
// were last seen to hold, and only what is among it is asked for again.
func (f *Flow) Touched(ctx context.Context, mem *Memory) bool {
	last, stand, complete := mem.lastAsked()
	if !complete {
		return true
	}
	var next []standing // of stand, once something is another one
	k := 0
	for i := range last {
		a := &last[i]
		for j := range a.trees {
			now, changed := f.moved(ctx, a, j, stand[k])
			if changed {
				return true
			}
			if next == nil && now.commit != stand[k].commit {
				next = append(make([]standing, 0, len(stand)), stand...)
			}
			if next != nil {
				next[k] = now
			}
			k++
		}
	}
	if next != nil {
		mem.stands(last, next)
	}
	return false
}

// TouchedSince is Touched for who holds what was desired, rendered from other
// commits of the same repositories.
func (f *Flow) TouchedSince(ctx context.Context, d *Desired) bool {
	var mem Memory
	mem.ask(d)
	return f.Touched(ctx, &mem)
}

// moved tells whether a tree may give other answers, and where it stands if
// it does not.
func (f *Flow) moved(ctx context.Context, a *asked, tree int, was standing) (now standing, changed bool) {
	of := &a.trees[tree]
	if of.failed {
		return was, true
	}
	open, err := f.Sources.Tree(ctx, of.at)
	if err != nil {
		return was, true
	}
	sha := open.Commit.SHA
	if tree == 0 && a.reads.Commit != nil && *a.reads.Commit != sha {
		return was, true
	}
	if sha == was.commit && sha != "" {
		return was, false // another branch moved
	}
	if d, ok := open.FS.(snapshot.Differ); ok && was.commit != "" {
		if since, ok := d.Since(was.commit); ok {
			path, doubted := of.reads.ChangedSince(open.FS, since, was.winding)
			if doubted && path == "" {
				return standingAt(open, of.reads), false // a link may be on the way now
			}
			return standing{commit: sha, winding: was.winding}, path != ""
		}
	}
	if of.reads.Changed(open.FS) != "" {
		return was, true
	}
	return standingAt(open, of.reads), false
}
