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
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Kinds are sets of questions by what asking them again costs.
type Kinds uint8

const (
	// Trees are files of commits: nothing is asked of a server.
	Trees Kinds = 1 << iota
	// Clusters are the registered clusters.
	Clusters
	// Services are forges, plugins, decision objects, and the clock.
	Services
	// All is everything.
	All = Trees | Clusters | Services
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

// Asked names the questions, sorted.
func (r Reads) Asked() []string {
	out := make([]string, 0, len(r.questions))
	for _, q := range r.questions {
		out = append(out, q.name)
	}
	slices.Sort(out)
	return out
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

// Trace has a world remember what it is asked.
func Trace(world appset.World) (appset.World, *Recorder) {
	r := &Recorder{asked: map[string]question{}, trees: map[string]*tree{}}
	if world.Clusters != nil {
		world.Clusters = clusters{r, world.Clusters}
	}
	if world.Repositories != nil {
		world.Repositories = repositories{r, world.Repositories}
	}
	if world.Forges != nil {
		world.Forges = forges{r, world.Forges}
	}
	if world.Decisions != nil {
		world.Decisions = decisions{r, world.Decisions}
	}
	if world.Plugins != nil {
		world.Plugins = plugins{r, world.Plugins}
	}
	if now := world.Now; now != nil {
		world.Now = func() time.Time {
			r.add(question{Services, "the clock", func(context.Context, appset.World) bool { return true }})
			return now()
		}
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

// answered remembers a question by a digest of its answer. ask asks it again.
func answered[T any](r *Recorder, kind Kinds, name string, answer T, ask func(context.Context, appset.World) (T, error)) {
	want := digest(answer)
	r.add(question{kind, name, func(ctx context.Context, world appset.World) bool {
		now, err := ask(ctx, world)
		return err != nil || digest(now) != want
	}})
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

// asked names a question by what it was asked with.
func asked(what string, with ...any) string { return what + " " + digest(with)[:16] }

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
		answered(p.r, Clusters, "the clusters", sorted(all), func(ctx context.Context, w appset.World) ([]appset.Cluster, error) {
			again, err := w.Clusters.Clusters(ctx)
			return sorted(again), err
		})
	}
	return all, err
}

// sorted makes one answer of those that differ in their order only.
func sorted(all []appset.Cluster) []appset.Cluster {
	return slices.SortedFunc(slices.Values(all), func(a, b appset.Cluster) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Server, b.Server))
	})
}

type decisions struct {
	r    *Recorder
	next appset.Decisions
}

// Decide implements appset.Decisions.
func (p decisions) Decide(ctx context.Context, namespace string, gen *v1alpha1.DuckTypeGenerator) (appset.Decision, error) {
	decision, err := p.next.Decide(ctx, namespace, gen)
	if err == nil {
		answered(p.r, Services, asked("decisions", namespace, gen), decision, func(ctx context.Context, w appset.World) (appset.Decision, error) {
			return w.Decisions.Decide(ctx, namespace, gen)
		})
	}
	return decision, err
}

type plugins struct {
	r    *Recorder
	next appset.Plugins
}

// Parameters implements appset.Plugins.
func (p plugins) Parameters(ctx context.Context, set appset.PluginCaller, gen *v1alpha1.PluginGenerator) ([]map[string]any, error) {
	out, err := p.next.Parameters(ctx, set, gen)
	if err == nil {
		answered(p.r, Services, asked("plugin", set, gen), out, func(ctx context.Context, w appset.World) ([]map[string]any, error) {
			return w.Plugins.Parameters(ctx, set, gen)
		})
	}
	return out, err
}
