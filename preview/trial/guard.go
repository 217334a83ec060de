package trial

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/fence"
	"github.com/trueup-dev/trueup/reconcile"
)

// Guard says how far a change is trusted, and bounds what trying one that is
// not may cost. The zero value trusts it.
//
// An untrusted change opens no repository, chart, submodule or file but what
// the same application or set reads on base already, asks no forge, plugin,
// decision object or live object anything, and encrypted files stay closed on
// both sides. What it would take more for fails, by a fault.Denied.
type Guard struct {
	// Untrusted: whoever wrote the change may not push to the repository, as
	// from a fork.
	Untrusted bool
	// Closed: who wrote it may push, and nobody merged it, where the trial has
	// rights that such people need not have. The same stays closed, without the
	// bounds; and it may open other revisions of the folders and charts that the
	// same application reads on base, the repository itself, and what Public
	// allows.
	Closed bool
	// Public tells of a place whether anybody may read it; nil is of none.
	Public func(ctx context.Context, at snapshot.Location) bool
	// Renderer renders both sides of an untrusted or closed change. It has no
	// keys, and for untrusted ones tight limits. Others may share what it
	// remembers of successes, and nothing else.
	Renderer reconcile.Renderer
	// Time bounds trying as a whole; 0 is 2 minutes.
	Time time.Duration
	// Added bounds the applications that the change adds; 0 is 500. Further
	// ones are a problem of the report.
	Added int
	// Depth bounds applications that describe applications; 0 is 4.
	Depth int
	// Bytes bounds the objects that are held at once; 0 is 256 MiB.
	Bytes int64
}

func (g Guard) closes() bool { return g.Untrusted || g.Closed }

func (g Guard) orDefault() Guard {
	g.Time, g.Added = cmp.Or(g.Time, 2*time.Minute), cmp.Or(g.Added, 500)
	g.Depth, g.Bytes = cmp.Or(g.Depth, 4), cmp.Or(g.Bytes, 256<<20)
	return g
}

// limited is what a report of an untrusted change says of itself.
const limited = "the change comes from somebody who may not push here: encrypted values stay closed and are compared as they are encrypted, " +
	"live objects are not looked up, and nothing is opened that base does not read"

// guard prepares a trial for an untrusted change.
func (t Trial) guard(c Change) (Trial, Change, error) {
	if !t.Guard.closes() {
		return t, c, nil
	}
	if t.Guard.Renderer == nil {
		return t, c, fault.New(fault.Invalid, "there is no renderer for a change that is not trusted")
	}
	t.Flow.Renderer, t.Flow.Clusters = t.Guard.Renderer, blind{t.Flow.Clusters}
	if t.Guard.Untrusted {
		t.Guard = t.Guard.orDefault()
		c.Merged.FS = snapshot.Seal(c.Merged.FS)
	}
	return t, c, nil
}

// hold counts the objects that an untrusted change gives.
func (r *run) hold(d *reconcile.Desired) error {
	if !r.Guard.Untrusted {
		return nil
	}
	if r.held += render.Size(d.Objects); r.held > r.Guard.Bytes {
		return fault.New(fault.Invalid, "not compared: the change gives more than %d KiB of objects together", r.Guard.Bytes>>10)
	}
	return nil
}

// tooMany tells of applications that were not looked at.
func (r *run) tooMany() {
	if r.left > 0 {
		r.found.Problem(preview.Problem{Message: fmt.Sprintf("the change is not trusted and adds %d applications, of which %d were not rendered", r.added, r.left)})
	}
}

// blind are clusters that tell what they serve, and nothing of what they hold.
type blind struct{ reconcile.Clusters }

// Cluster implements reconcile.Clusters.
func (b blind) Cluster(ctx context.Context, d v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	c, err := b.Clusters.Cluster(ctx, d)
	if err != nil {
		return nil, err
	}
	return &reconcile.Cluster{Name: c.Name, Server: c.Server, Kinds: c.Kinds, Schemas: c.Schemas}, nil
}

// opened is what an application reads.
func opened(d *reconcile.Desired) fence.Readable {
	out := fence.Readable{}
	if d != nil {
		for _, place := range d.Places() {
			out.Add(place.At, place.Paths)
		}
	}
	return out
}

// within opens a side's own tree, and of others what may be opened.
type within struct {
	*redirected
	may   fence.Readable
	guard Guard
}

// whole tells whether all of a place may be opened.
func (w within) whole(ctx context.Context, at snapshot.Location) bool {
	if w.own(at) {
		return true
	}
	if !w.guard.Closed || w.guard.Untrusted {
		return false
	}
	if !at.File && at.Chart == "" && w.change.names(at.RepoURL) || w.guard.Public != nil && w.guard.Public(ctx, at) {
		return true
	}
	return at.Chart != "" && len(w.folders(at)) > 0
}

// folders are those that base reads of a repository or chart, whatever the
// revision, where the change is closed.
func (w within) folders(at snapshot.Location) map[string]bool {
	out := map[string]bool{}
	if !w.guard.Closed || w.guard.Untrusted {
		return out
	}
	for other, paths := range w.may {
		if other.Chart != at.Chart || other.File || at.File || repourl.Place(other.RepoURL) != repourl.Place(at.RepoURL) {
			continue
		}
		for name := range paths {
			out[path.Dir(path.Clean(name))] = true
		}
	}
	return out
}

// Tree implements reconcile.Sources and appset.Repositories.
func (w within) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if w.whole(ctx, at) {
		return w.redirected.Tree(ctx, at)
	}
	paths, ok := w.may[at]
	folders := w.folders(at)
	if !ok && len(folders) == 0 {
		return snapshot.Tree{}, fault.New(fault.Denied, "not rendered, for the change is not trusted: it opens %s, which base does not", fence.Name(at))
	}
	tree, err := w.redirected.Tree(ctx, at)
	if err != nil {
		return tree, err
	}
	tree.FS = fence.Around(tree.FS, fence.Open{Paths: paths, Folders: folders, Place: fence.Name(at)})
	return tree, nil
}

// noting opens repositories, and remembers what is read of those that are not
// the side's own tree.
type noting struct {
	*redirected
	mu     sync.Mutex
	traced map[snapshot.Location]*snapshot.Tracer
}

// Tree implements appset.Repositories.
func (n *noting) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	tree, err := n.redirected.Tree(ctx, at)
	if err != nil || n.own(at) {
		return tree, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.traced[at] == nil {
		n.traced[at] = snapshot.Trace(tree.FS)
	}
	tree.FS = n.traced[at]
	return tree, nil
}

func (n *noting) read() fence.Readable {
	out := fence.Readable{}
	for at, t := range n.traced {
		out.Add(at, t.ReadSet().Paths())
	}
	return out
}

// closedWorld answers sets of an untrusted change: files and the registered
// clusters, and nothing else.
func (s sided) closedWorld(may fence.Readable, g Guard) appset.World {
	w := appset.World{Clusters: s.world.Clusters, Now: s.world.Now, Forges: nobody{}, States: nobody{}, Decisions: nobody{}, Plugins: nobody{}}
	if s.repositories != nil {
		w.Repositories = within{s.repositories, may, g}
	}
	return w
}

// nobody answers nothing.
type nobody struct{}

func denied(what string) error {
	return fault.New(fault.Denied, "not asked, for the change is not trusted: %s", what)
}

// Organization implements appset.Forges.
func (nobody) Organization(context.Context, string, *v1alpha1.SCMProviderGenerator) (appset.Organization, error) {
	return nil, denied("a forge about its repositories")
}

// PullRequests implements appset.Forges.
func (nobody) PullRequests(context.Context, string, *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	return nil, denied("a forge about its pull requests")
}

// Gone implements appset.PullRequestStates.
func (nobody) Gone(context.Context, string, *v1alpha1.PullRequestGenerator, int64) (bool, error) {
	return false, denied("a forge about a pull request")
}

// Decide implements appset.Decisions.
func (nobody) Decide(context.Context, string, *v1alpha1.DuckTypeGenerator) (appset.Decision, error) {
	return appset.Decision{}, denied("a cluster about its decisions")
}

// Parameters implements appset.Plugins.
func (nobody) Parameters(context.Context, appset.PluginCaller, *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	return nil, denied("a plugin")
}
