package reads

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Kinds are sets of questions by who tells that there is news. Forges, plugins,
// decision objects and the clock are in none: they are asked anew when their
// time has come, or a webhook says so.
type Kinds uint8

const (
	// Trees are files of commits: nothing is asked of a server.
	Trees Kinds = 1 << iota
	// Clusters are the registered clusters.
	Clusters
)

// Reads are questions with their answers. The zero value asked nothing.
type Reads struct {
	questions []question
}

type question struct {
	kind Kinds
	name string
	// changed asks again.
	changed func(ctx context.Context, world appset.World) bool
}

// Changed names a question of these kinds that the world would answer
// otherwise, or not at all; empty where there is none.
func (r Reads) Changed(ctx context.Context, world appset.World, kinds Kinds) string {
	for _, q := range r.questions {
		if q.kind&kinds != 0 && q.changed(ctx, world) {
			return q.name
		}
	}
	return ""
}

// Recorder is behind a world that Trace gave.
type Recorder struct {
	mu    sync.Mutex
	asked map[string]question
	trees map[string]*tree
}

type tree struct {
	at     snapshot.Location
	commit string
	tracer *snapshot.Tracer
}

// Trace has a world remember what it is asked of trees and clusters.
func Trace(world appset.World) (appset.World, *Recorder) {
	r := &Recorder{asked: map[string]question{}, trees: map[string]*tree{}}
	if world.Clusters != nil {
		world.Clusters = clusters{r, world.Clusters}
	}
	if world.Repositories != nil {
		world.Repositories = repositories{r, world.Repositories}
	}
	return world, r
}

// Reads are the questions so far.
func (r *Recorder) Reads() Reads {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out Reads
	for _, q := range r.asked {
		out.questions = append(out.questions, q)
	}
	for _, t := range r.trees {
		out.questions = append(out.questions, question{Trees, t.at.RepoURL + "@" + t.at.Revision, t.differs(t.tracer.ReadSet())})
	}
	slices.SortFunc(out.questions, func(a, b question) int {
		// What costs least is asked first.
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

func (t *tree) differs(set snapshot.ReadSet) func(context.Context, appset.World) bool {
	at, commit := t.at, t.commit
	return func(ctx context.Context, world appset.World) bool {
		now, err := world.Repositories.Tree(ctx, at)
		if err != nil {
			return true
		}
		return (commit == "" || now.Commit.SHA != commit) && !set.Holds(now.FS)
	}
}

func (r *Recorder) add(q question) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[q.name] = q
}

// digest stands for an answer. What cannot be told as JSON equals nothing.
func digest(answer any) string {
	data, err := json.Marshal(answer)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

type repositories struct {
	r    *Recorder
	next appset.Repositories
}

// Tree implements appset.Repositories. One tree is traced as one, however
// often it is opened.
func (p repositories) Tree(ctx context.Context, at snapshot.Location) (snapshot.Tree, error) {
	opened, err := p.next.Tree(ctx, at)
	if err != nil {
		return opened, err
	}
	key := digest(at) + opened.Commit.SHA
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	t, ok := p.r.trees[key]
	if !ok {
		t = &tree{at: at, commit: opened.Commit.SHA, tracer: snapshot.Trace(opened.FS)}
		p.r.trees[key] = t
	}
	opened.FS = t.tracer
	return opened, nil
}

type clusters struct {
	r    *Recorder
	next appset.Clusters
}

// Clusters implements appset.Clusters.
func (p clusters) Clusters(ctx context.Context) ([]appset.Cluster, error) {
	all, err := p.next.Clusters(ctx)
	if err == nil {
		want := digest(sorted(all))
		p.r.add(question{Clusters, "the clusters", func(ctx context.Context, world appset.World) bool {
			again, err := world.Clusters.Clusters(ctx)
			return err != nil || digest(sorted(again)) != want
		}})
	}
	return all, err
}

// sorted makes one answer of those that differ in their order only.
func sorted(all []appset.Cluster) []appset.Cluster {
	return slices.SortedFunc(slices.Values(all), func(a, b appset.Cluster) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Server, b.Server))
	})
}
