package trial

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/fence"
	"github.com/trueup-dev/trueup/preview/risk"
	"github.com/trueup-dev/trueup/reconcile"
)

// sided is the world as one side has it: where the branch ends at its tree.
type sided struct {
	tree  snapshot.Tree
	flow  *reconcile.Flow
	world appset.World

	sources, repositories *redirected // those of flow and world
}

func (t Trial) side(c Change, tree snapshot.Tree) sided {
	flow := t.Flow
	s := sided{tree: tree, flow: &flow, world: t.World}
	s.sources = &redirected{change: c, tree: tree, rest: t.Flow.Sources}
	flow.Sources = s.sources
	if t.World.Repositories != nil {
		s.repositories = &redirected{change: c, tree: tree, rest: t.World.Repositories}
		s.world.Repositories = s.repositories
	}
	return s
}

// reading is the side's flow where only some of other trees may be opened.
func (s sided) reading(may fence.Readable, g Guard) *reconcile.Flow {
	flow := *s.flow
	flow.Sources = within{s.sources, may, g}
	return &flow
}

// redirected opens one side's tree in place of the branch that the change goes
// to.
type redirected struct {
	change Change
	tree   snapshot.Tree
	rest   reconcile.Sources
	read   atomic.Bool // the side's tree was asked for
}

// own tells whether a location is the side's tree.
func (r *redirected) own(at snapshot.Location) bool {
	return at.Chart == "" && !at.File && r.change.follows(at)
}

// Tree implements reconcile.Sources and appset.Repositories.
func (r *redirected) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if r.own(at) {
		r.read.Store(true)
		tree := r.tree
		tree.Commit.Repo, tree.Commit.Ref = at.RepoURL, at.Revision
		return tree, nil
	}
	return r.rest.Tree(ctx, at)
}

// Follows tells whether a location is the branch that the change goes to.
func (c Change) Follows(at snapshot.Location) bool { return c.follows(at) }

// follows tells whether a location is the branch that the change goes to.
func (c Change) follows(at snapshot.Location) bool {
	if !c.names(at.RepoURL) {
		return false
	}
	branch := strings.TrimPrefix(at.Revision, "refs/heads/")
	return branch == c.Branch && branch != "" || c.Default && (branch == "" || branch == "HEAD")
}

// unread warns where no application reads what changed: rather than that
// nothing changes, it may be that the repository goes by another name.
func (r *run) unread() {
	read := r.base.sources.read.Load() || r.head.sources.read.Load()
	if read || r.rendered > 0 || len(r.visited) == 0 || r.base.tree.Commit.SHA == r.head.tree.Commit.SHA {
		return
	}
	var urls []string
	for _, u := range r.change.URLs {
		urls = append(urls, repourl.Redact(u))
	}
	slices.Sort(urls)
	r.found.Warning(fmt.Sprintf("no application reads the branch %s of this repository, which goes by %s: another URL has to be told", r.change.Branch, strings.Join(slices.Compact(urls), ", ")))
}

// names tells whether a URL is one of the repository's.
func (c Change) names(url string) bool {
	want := repourl.Place(url)
	for _, u := range c.URLs {
		if repourl.Place(u) == want {
			return true
		}
	}
	return false
}

// remotes are the places beyond the repository that an application reads.
func (r *run) remotes(d *reconcile.Desired) []risk.Remote {
	var out []risk.Remote
	for _, place := range d.Places() {
		at := place.At
		if r.change.names(at.RepoURL) && at.Chart == "" && !at.File {
			continue
		}
		remote := risk.Remote{Name: repourl.Redact(at.RepoURL), Kind: risk.Repository, Revision: at.Revision}
		switch {
		case at.File:
			remote.Kind = risk.WebFile
		case at.Chart != "":
			remote.Name, remote.Kind = "the chart "+at.Chart+" of "+remote.Name, risk.Chart
		case strings.HasPrefix(at.RepoURL, "oci://"):
			remote.Kind = risk.Artifact
		}
		if !slices.Contains(out, remote) {
			out = append(out, remote)
		}
	}
	return out
}

// desire renders an application, which fails where it can go nowhere.
func desire(ctx context.Context, flow *reconcile.Flow, app *v1alpha1.Application) (*reconcile.Desired, error) {
	d, _, err := flow.Desire(ctx, app, "")
	return d, cmp.Or(err, lifecycle.CheckApplication(app))
}
