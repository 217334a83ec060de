package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/appset/lifecycle"
	"github.com/trueup-dev/trueup/appset/reads"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

// expansion is what a set expanded to. It stays good while its document is
// the same and nothing that it asked has news: what happens to applications
// asks no generator again.
type expansion struct {
	uid        types.UID
	generation int64
	wakes      uint64
	result     appset.Result
	err        error
	failures   int
	// due is when to expand anew although nothing happened; zero is never.
	due  time.Time
	urls []string
	// reads are what it depended on.
	reads reads.Reads
}

// refusedRetry is when an expansion is tried again that only somebody's help
// can mend: nobody tells of a Secret that was put right.
const refusedRetry = 3 * time.Minute

// expansions are what sets expanded to when they were last asked.
type expansions struct {
	mu  sync.Mutex
	all map[types.NamespacedName]*expansion
	// busy are those that are being expanded: whatever happens meanwhile may
	// be news for them.
	busy map[types.NamespacedName]bool
	// wakes counts the reasons to expand anew that came from outside.
	wakes map[types.NamespacedName]uint64
	made  Expansions
}

// Expansions counts how often generators were asked, by what came of it.
type Expansions struct{ OK, Failed uint64 }

// Expansions tells how often sets were expanded since the agent began.
func (s *ApplicationSets) Expansions() Expansions {
	s.expansions.mu.Lock()
	defer s.expansions.mu.Unlock()
	return s.expansions.made
}

func (e *expansions) outdate(name types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wakes == nil {
		e.wakes = map[types.NamespacedName]uint64{}
	}
	e.wakes[name]++
}

// last gives what is kept of a set, and the count of the reasons not to use
// it.
func (e *expansions) last(name types.NamespacedName) (*expansion, uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all[name], e.wakes[name]
}

func (e *expansions) begin(name types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy == nil {
		e.busy = map[types.NamespacedName]bool{}
	}
	e.busy[name] = true
}

func (e *expansions) keep(name types.NamespacedName, next *expansion) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[types.NamespacedName]*expansion{}
	}
	delete(e.busy, name)
	e.all[name] = next
	if next.err == nil {
		e.made.OK++
	} else {
		e.made.Failed++
	}
}

func (e *expansions) forget(name types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.all, name)
	delete(e.busy, name)
	delete(e.wakes, name)
}

// changed tells whether the world would answer a set otherwise. Of one that is
// being expanded, or failed, nobody knows: then it would.
func (e *expansions) changed(ctx context.Context, name types.NamespacedName, world appset.World, kinds reads.Kinds) bool {
	e.mu.Lock()
	last, busy := e.all[name], e.busy[name]
	e.mu.Unlock()
	return busy || last == nil || last.err != nil || last.reads.Changed(ctx, world, kinds) != ""
}

// expand asks the generators, where the last answer is not good any more.
func (s *ApplicationSets) expand(ctx context.Context, set *v1alpha1.ApplicationSet, now time.Time) *expansion {
	name := client.ObjectKeyFromObject(set)
	last, wakes := s.expansions.last(name)
	if last != nil && last.uid == set.UID && last.generation == set.Generation && last.wakes == wakes && (last.due.IsZero() || now.Before(last.due)) {
		return last
	}
	next := &expansion{uid: set.UID, generation: set.Generation, wakes: wakes}
	urls := declared(set)
	if last != nil {
		urls = append(urls, last.urls...)
	}
	s.Repositories.UseAll(userOf(name), urls)
	s.expansions.begin(name)
	world := s.World
	if s.Projects != nil && set.Namespace != s.Namespace && world.Repositories != nil {
		world.Repositories = tenant{world.Repositories, s.Projects, set, s.Namespace}
	}
	world, recorder := reads.Trace(world)
	asked := &askedRepositories{}
	if world.Repositories != nil {
		asked.Repositories = world.Repositories
		world.Repositories = asked
	}
	next.result, next.err = appset.Generate(ctx, set, world)
	for i := range next.result.Explained {
		// The rest is as large as the applications, and nobody asks for it here.
		e := &next.result.Explained[i]
		*e = appset.Explanation{Application: e.Application, Origin: appset.Origin{Generator: e.Origin.Generator}}
	}
	next.reads = recorder.Reads()
	next.urls = append(declared(set), asked.urls...)
	if next.err != nil {
		next.urls = append(next.urls, urls...) // it may have stopped before it asked them
	}
	slices.Sort(next.urls)
	next.urls = slices.Compact(next.urls)
	s.Repositories.UseAll(userOf(name), next.urls)
	next.schedule(last, lifecycle.Requeue(set), now)
	if next.err != nil && (last == nil || last.err == nil || last.err.Error() != next.err.Error()) {
		log.FromContext(ctx).Info("application set cannot be expanded", "error", next.err.Error())
	}
	if ctx.Err() != nil {
		next.due = now // what was interrupted counts for nothing
	}
	s.expansions.keep(name, next)
	return next
}

// schedule sets when to expand anew.
func (e *expansion) schedule(last *expansion, every time.Duration, now time.Time) {
	if e.err == nil {
		if every > 0 {
			e.due = now.Add(every)
		}
		if until := e.result.Until; !until.IsZero() && (e.due.IsZero() || until.Before(e.due)) {
			e.due = until.Add(time.Millisecond) // what lives until then has lived after it
		}
		return
	}
	if e.failures = 1; last != nil {
		e.failures = last.failures + 1
	}
	e.due = now.Add(refusedRetry)
	if fault.Retryable(e.err) {
		e.due = now.Add(reconcile.DefaultRetry().Wait(e.failures))
	}
	if at, ok := fault.NotBefore(e.err); ok && at.After(now) {
		e.due = at // asking earlier would only lengthen it
	}
}

// declared are the repositories that a set names without a parameter.
func declared(set *v1alpha1.ApplicationSet) []string {
	var out []string
	for _, g := range set.Spec.Generators {
		if g.Git != nil {
			out = append(out, g.Git.RepoURL)
		}
	}
	return out
}

// askedRepositories notes which repositories an expansion asks.
type askedRepositories struct {
	appset.Repositories
	mu   sync.Mutex
	urls []string
}

// Tree implements appset.Repositories.
func (a *askedRepositories) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	a.mu.Lock()
	a.urls = append(a.urls, at.RepoURL)
	a.mu.Unlock()
	return a.Repositories.Tree(ctx, at)
}
