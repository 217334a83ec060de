package agent_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/drift/origin"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/reconcile/declared"
)

const manifestOfWeb = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n"

// asked is a question about the replicas of web in a repository.
func asked(repo, commit string) declared.Question {
	files := fstest.MapFS{"web.yaml": &fstest.MapFile{Data: []byte(manifestOfWeb)}}
	return declared.Question{
		Source: declared.Source{
			Type: render.Directory, At: snapshot.Location{RepoURL: repo}, Tree: snapshot.Tree{Commit: snapshot.Commit{SHA: commit}, FS: files},
			Files: origin.NewFiles(files), Dir: ".", Origin: render.Origin{Path: "web.yaml", Line: 1},
		},
		Object: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{"replicas": int64(3)},
		}},
		Path: "spec.replicas",
	}
}

// blames answers as long as it is told to, and counts who asks at once.
type blames struct {
	fail  atomic.Pointer[error]
	block chan struct{} // nil does not block

	mu        sync.Mutex
	asked     int
	now, most map[string]int
}

// Blame implements declared.History.
func (b *blames) Blame(ctx context.Context, q snapshot.Lines) (snapshot.Touch, error) {
	b.mu.Lock()
	if b.now == nil {
		b.now, b.most = map[string]int{}, map[string]int{}
	}
	b.asked++
	b.now[q.At.RepoURL]++
	b.most[q.At.RepoURL] = max(b.most[q.At.RepoURL], b.now[q.At.RepoURL])
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.now[q.At.RepoURL]--
	}()
	if b.block != nil {
		select {
		case <-b.block:
		case <-ctx.Done():
			return snapshot.Touch{}, ctx.Err()
		}
	}
	if err := b.fail.Load(); err != nil {
		return snapshot.Touch{}, *err
	}
	return snapshot.Touch{Commit: snapshot.Commit{SHA: "c0ffee", Author: "Ana", Subject: "Scale", Time: time.Unix(1_700_000_000, 0)}, Path: q.Path, Line: q.From}, nil
}

func (b *blames) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// declarer is one that runs until the test ends.
func declarer(t *testing.T, history *blames) (d *agent.Declarations, woken *sync.Map) {
	t.Helper()
	woken = &sync.Map{}
	d = &agent.Declarations{
		History: history, Now: time.Now, Log: logr.Discard(),
		Wake: func(who types.NamespacedName, after time.Duration) { woken.Store(who.Name+" "+after.String(), true) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d, woken
}

var theShop = types.NamespacedName{Namespace: "trueup", Name: "shop"}

// pass lets time pass on the clock of a synctest bubble, which takes none.
func pass(d time.Duration) { <-time.After(d) }

// TestDeclarationsAreFoundInTheBackground: nobody waits, questions about one
// repository take turns, each is asked once, and who asked is woken.
func TestDeclarationsAreFoundInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		history := &blames{block: make(chan struct{})}
		d, woken := declarer(t, history)
		var all []declared.Question
		for i := range 6 {
			all = append(all, asked(fmt.Sprintf("https://git.example.com/%d.git", i%2), fmt.Sprint(i)))
		}
		other := types.NamespacedName{Namespace: "trueup", Name: "other"}
		for range 3 {
			for _, got := range d.Known(theShop, all) {
				if got != nil {
					t.Fatalf("it is known already: %+v", got)
				}
			}
		}
		d.Known(other, all[:1])
		synctest.Wait()
		if n := history.count(); n != 2 {
			t.Errorf("%d questions are under way, want one for each repository", n)
		}
		close(history.block)
		pass(time.Minute)
		for i, got := range d.Known(theShop, all) {
			if got == nil || got.Author != "Ana" || got.Line != 5 || got.File != "web.yaml" || got.Precision != "line" {
				t.Errorf("answer %d is %+v", i, got)
			}
		}
		if n := history.count(); n != 6 || history.most["https://git.example.com/0.git"] != 1 {
			t.Errorf("%d questions were asked, at most %v at once", n, history.most)
		}
		for _, name := range []string{"shop 500ms", "other 500ms"} {
			if _, ok := woken.Load(name); !ok {
				t.Errorf("%s was not woken", name)
			}
		}
	})
}

// TestDeclarationsThatFailAreAskedAgain: later and later, unless there is
// nothing to be known; the line is told meanwhile.
func TestDeclarationsThatFailAreAskedAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		err    error
		again  int // asked within an hour and a half
	}{
		{"the server does not answer", errors.New("no route"), 7},
		{"there is no history", fault.New(fault.Missing, "none"), 1},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				history := &blames{}
				history.fail.Store(&tc.err)
				d, _ := declarer(t, history)
				q := []declared.Question{asked("https://git.example.com/a.git", "1")}
				for range 90 {
					d.Known(theShop, q)
					pass(time.Minute)
				}
				if got := d.Known(theShop, q)[0]; got == nil || got.Line != 5 || got.Commit != "" {
					t.Errorf("the place is %+v", got)
				}
				if n := history.count(); n != tc.again {
					t.Errorf("it was asked for %d times, want %d", n, tc.again)
				}
				history.fail.Store(nil)
				pass(2 * time.Hour)
				d.Known(theShop, q)
				pass(time.Minute)
				if got := d.Known(theShop, q)[0]; (got.Commit != "") != (tc.again > 1) {
					t.Errorf("in the end it is %+v", got)
				}
			})
		})
	}
}

// TestDeclarationsStop: one that is under way ends with the agent.
func TestDeclarationsStop(t *testing.T) {
	t.Parallel()
	history := &blames{block: make(chan struct{})}
	d := &agent.Declarations{History: history, Now: time.Now, Log: logr.Discard(), Wake: func(types.NamespacedName, time.Duration) { t.Error("woken") }}
	d.Known(theShop, []declared.Question{asked("https://git.example.com/a.git", "1")}) // before it runs
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Start(ctx) }()
	for history.count() == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("nobody asked")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	d.Known(theShop, []declared.Question{asked("https://git.example.com/b.git", "1")}) // nobody works any more
}
