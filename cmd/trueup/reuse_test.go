package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/git"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/secret"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile"
)

var (
	reuseCommits = flag.Int("reuse.commits", 30, "commits of each random history")
	reuseSeeds   = flag.Uint64("reuse.seeds", 2, "random histories")
	reuseFirst   = flag.Uint64("reuse.first", 1, "the first history's seed")
)

// TestReuseEqualsRendering: over random repositories and random commits, what
// the cache answers is byte for byte what rendering everything anew gives, and
// so is the failure. The applications that a commit is said to touch are those
// of which asking everything again gives another answer, and those that it is
// said not to touch consist of the same objects as before.
// go test ./cmd/trueup -run Reuse -reuse.seeds 1000 goes on for longer.
func TestReuseEqualsRendering(t *testing.T) {
	t.Parallel()
	for seed := *reuseFirst; seed < *reuseFirst+*reuseSeeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newReuse(t, seed).check()
		})
	}
}

// reuse goes through one history.
type reuse struct {
	t       *testing.T
	history *randomHistory
	world   *world
	keys    *rotating
	full    *render.Renderer
	store   string
	cache   *render.Cache
	flow    *reconcile.Flow
	apps    []*reused

	fromCache, rendered, compared uint64
	touched, untouched, failed    int
}

// reused is an application, and what was last seen of it.
type reused struct {
	app    *v1alpha1.Application
	memory *reconcile.Memory
	// last is nil after a failure. Keys and kube are those it depends on.
	last       *reconcile.Desired
	keys, kube string
}

func newReuse(t *testing.T, seed uint64) *reuse {
	t.Helper()
	h := newHistoryOf(t, seed)
	r := &reuse{t: t, history: h, keys: &rotating{t: t}, store: t.TempDir()}
	r.world = &world{mirrors: git.New(git.Options{Dir: t.TempDir(), Files: true}), shas: h.write(t, *reuseCommits), url: "file://" + h.dir}
	decrypter := secret.New(secret.Options{Keys: r.keys, Hint: "there is no such key"})
	r.full = render.New(engines(true), render.DefaultLimits()).Decrypting(decrypter)
	r.flow = &reconcile.Flow{Sources: r.world, Renderer: r, Clusters: r.world, Now: time.Now, Namespace: "trueup"}
	for i, sources := range randomSources() {
		app := &v1alpha1.Application{}
		app.Name, app.Namespace = "shop", "trueup"
		app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: "shop"}
		app.Spec.Sources = sources
		app.Spec.Project = fmt.Sprint("p", i%2)
		r.apps = append(r.apps, &reused{app: app, memory: &reconcile.Memory{}})
	}
	r.restart()
	return r
}

// restart loses what is in memory.
func (r *reuse) restart() {
	r.t.Helper()
	r.count()
	store, err := diskcache.Open(r.store, diskcache.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.cache = render.NewCache(r.full, render.CacheOptions{Store: store})
	for _, a := range r.apps {
		a.memory, a.last = &reconcile.Memory{}, nil
	}
}

func (r *reuse) count() {
	if r.cache != nil {
		s := r.cache.Stats()
		r.fromCache, r.rendered = r.fromCache+s.Memory+s.Disk, r.rendered+s.Total()
	}
}

func (r *reuse) check() {
	r.t.Helper()
	for i := range r.world.shas {
		if r.history.rand.IntN(8) == 0 {
			r.restart()
		}
		r.world.now, r.keys.bob = i, i/11%2 == 1
		for _, a := range r.apps {
			r.look(a)
		}
	}
	r.count()
	if r.fromCache == 0 || r.rendered == 0 || r.touched == 0 || r.untouched == 0 {
		r.t.Error("the test shows nothing")
	}
	r.t.Logf("%d results compared, %d of them reused and %d rendered; %d verdicts touched, %d untouched; %d looks failed",
		r.compared, r.fromCache, r.rendered, r.touched, r.untouched, r.failed)
}

// look is what the agent does for an application after a commit, with all that
// it would leave out.
func (r *reuse) look(a *reused) {
	r.t.Helper()
	ctx := r.t.Context()
	keys, err := r.keys.print(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	kube := r.world.kube()
	touched := r.flow.Touched(ctx, a.memory)
	if a.last != nil {
		if all := r.changed(ctx, a.last); all != touched {
			r.t.Fatalf("%s: %s: touched is %v, and asking everything says %v", r.place(), title(a.app), touched, all)
		}
		if touched {
			r.touched++
		} else {
			r.untouched++
		}
	}
	if touched {
		r.flow.Run(ctx, a.app, a.memory)
	}
	now, _, err := r.flow.Desire(ctx, a.app)
	if err != nil {
		r.failed++
		if r.world.now == 0 {
			r.t.Fatalf("nothing is broken yet, and %s fails: %v", title(a.app), err)
		}
		if !touched && keys == a.keys && kube == a.kube {
			r.t.Fatalf("%s: %s is said to be untouched, and fails: %v", r.place(), title(a.app), err)
		}
		a.last = nil
		return
	}
	if a.last != nil && !touched && keys == a.keys && kube == a.kube && now.Digest != a.last.Digest {
		r.t.Fatalf("%s: %s is said to be untouched, and has other objects", r.place(), title(a.app))
	}
	if a.last == nil || touched {
		a.last = now // what Touched goes by
	}
	a.keys, a.kube = keys, kube
	a.last.Digest = now.Digest
}

// changed asks everything again that a rendering asked.
func (r *reuse) changed(ctx context.Context, d *reconcile.Desired) bool {
	r.t.Helper()
	open := func(at snapshot.Location) snapshot.Tree {
		tree, err := r.world.Tree(ctx, at)
		if err != nil {
			r.t.Fatal(err)
		}
		return tree
	}
	for _, s := range d.Reads() {
		req := render.Request{Tree: open(s.At), More: r.world, Source: v1alpha1.ApplicationSource{TargetRevision: s.At.Revision}}
		if len(s.Reads.Refs) > 0 {
			req.Refs = map[string]snapshot.Tree{"values": open(snapshot.Location{RepoURL: valuesURL})}
		}
		s.Reads.Keys, s.Reads.Kube, s.Reads.APIs = nil, nil, nil
		if s.Reads.Changed(ctx, req).Why != "" {
			return true
		}
	}
	return false
}

// Render implements reconcile.Renderer: it asks the cache, and holds its
// answer against a rendering from nothing.
func (r *reuse) Render(ctx context.Context, req render.Request) (render.Result, error) {
	r.t.Helper()
	want, wantErr := r.full.Render(ctx, req)
	got, gotErr := r.cache.Render(ctx, req)
	r.compared++
	if diff := cmp.Diff(printed(r.t, want, wantErr), printed(r.t, got, gotErr)); diff != "" {
		r.t.Fatalf("%s, %s, %s (-rendered +reused):\n%s", r.place(), req.Source.Path, got.Cause, diff)
	}
	return got, gotErr
}

func (r *reuse) place() string {
	return fmt.Sprintf("seed %d, commit %d (%s)", r.history.seed, r.world.now, r.history.subjects[r.world.now])
}

func title(app *v1alpha1.Application) string {
	data, err := json.Marshal(app.Spec.Sources)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// rotating are keys of which one comes and goes.
type rotating struct {
	t   *testing.T
	bob bool
}

// Bundles implements secret.Keys.
func (k *rotating) Bundles(context.Context) ([]secret.Bundle, error) {
	out := []secret.Bundle{{Name: "alice", Data: map[string][]byte{"a.agekey": sealedFile(k.t, "keys", "alice.agekey")}}}
	if k.bob {
		out = append(out, secret.Bundle{Name: "bob", Data: map[string][]byte{"b.agekey": sealedFile(k.t, "keys", "bob.agekey")}})
	}
	return out, nil
}

func (k *rotating) print(ctx context.Context) (string, error) {
	all, err := k.Bundles(ctx)
	return fmt.Sprint(len(all)), err
}

// sealedFile reads one of the files that the tests of package secret open.
func sealedFile(t *testing.T, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "internal", "secret", "testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var commitInError = regexp.MustCompile(` at [0-9a-f]{7}`)

// printed is all that people see of a result.
func printed(t *testing.T, r render.Result, err error) string {
	t.Helper()
	var b strings.Builder
	for _, u := range r.Objects {
		data, err := json.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", data)
	}
	for _, line := range r.Warnings {
		fmt.Fprintln(&b, "warning:", line)
	}
	var origins []string
	for key, origin := range r.Origins {
		origins = append(origins, key.String()+" "+origin.String())
	}
	slices.Sort(origins)
	fmt.Fprintln(&b, strings.Join(origins, "\n"))
	if err != nil {
		// A failure that is remembered names the commit that it was found at.
		fmt.Fprintln(&b, "error:", commitInError.ReplaceAllString(err.Error(), ""))
	}
	return b.String()
}
