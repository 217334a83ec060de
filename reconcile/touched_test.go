package reconcile

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// moving is a repository whose commits are maps of files. It tells what
// changed, and counts how often it is asked for a file.
type moving struct {
	commits map[string]fstest.MapFS
	now     string
	// changes are from one commit to another, "old new".
	changes map[string]*snapshot.Changes
	asked   int
}

// Tree implements Sources.
func (m *moving) Tree(context.Context, snapshot.Location) (snapshot.Tree, error) {
	return snapshot.Tree{Commit: snapshot.Commit{SHA: m.now}, FS: movingFS{m.commits[m.now], m, m.now}}, nil
}

type movingFS struct {
	fstest.MapFS
	of  *moving
	sha string
}

func (f movingFS) ReadFile(name string) ([]byte, error) {
	f.of.asked++
	return f.MapFS.ReadFile(name)
}

func (f movingFS) Since(commit string) (*snapshot.Changes, bool) {
	c, ok := f.of.changes[commit+" "+f.sha]
	return c, ok
}

func (movingFS) Direct(string) bool { return true }

func oneFile(content string) fstest.MapFS {
	return fstest.MapFS{"all.yaml": {Data: []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {v: " + content + "}}")}}
}

func TestTouchedAsksForWhatChanged(t *testing.T) {
	t.Parallel()
	edited := &snapshot.Changes{}
	edited.File("all.yaml")
	elsewhere := &snapshot.Changes{}
	elsewhere.File("other.yaml")
	m := &moving{
		commits: map[string]fstest.MapFS{"1": oneFile("a"), "2": oneFile("a"), "3": oneFile("a"), "4": oneFile("b"), "5": oneFile("b")},
		changes: map[string]*snapshot.Changes{"1 2": elsewhere, "2 3": edited, "3 4": edited}, now: "1",
	}
	f, _ := newFlow(t, "")
	f.Sources = m
	app, mem := application(nil), &Memory{}
	for _, tc := range []struct {
		reason, commit string
		touched        bool
		asked          int
	}{
		{"nothing was ever rendered", "1", true, 0},
		{"the commit that was rendered", "1", false, 0},
		{"a file changed that nobody read", "2", false, 0},
		{"what is told goes from the last commit that was asked about", "3", false, 1},
		{"a file changed that was read", "4", true, 1},
		{"a commit that cannot tell is asked for everything", "5", false, 1},
	} {
		m.now, m.asked = tc.commit, 0
		if got := f.Touched(t.Context(), mem); got != tc.touched || m.asked != tc.asked {
			t.Errorf("%s: touched is %v, and %d files were read, want %v and %d", tc.reason, got, m.asked, tc.touched, tc.asked)
		}
		if tc.touched {
			if out := f.Run(t.Context(), app, mem); out.Err != nil {
				t.Fatal(out.Err)
			}
		}
	}
}

// slow has something happen while it renders.
type slow struct {
	Renderer
	meanwhile func()
}

func (s slow) Render(ctx context.Context, req render.Request) (render.Result, error) {
	s.meanwhile()
	return s.Renderer.Render(ctx, req)
}

// TestACommitThatComesDuringALook: what is rendered just now is a commit that
// is not the newest any more, and whose answers may differ from both the last
// rendering's and the newest commit's.
func TestACommitThatComesDuringALook(t *testing.T) {
	t.Parallel()
	m := &moving{commits: map[string]fstest.MapFS{"1": oneFile("a"), "2": oneFile("b"), "3": oneFile("a")}, now: "1"}
	f, c := newFlow(t, "")
	f.Sources = m
	app, mem := application(nil), &Memory{}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.SyncPolicyAutomated{}}
	f.Run(t.Context(), app, mem)

	m.now = "2"
	render, during := f.Renderer, false
	f.Renderer = slow{render, func() {
		m.now = "3"
		during = f.Touched(t.Context(), mem)
	}}
	f.Run(t.Context(), app, mem)
	if !during {
		t.Error("a commit that comes while another one is rendered must count as touching")
	}
	f.Renderer = render
	f.Run(t.Context(), app, mem) // the look that this wakes
	for _, u := range c.stored {
		if got := u.Object["data"].(map[string]any)["v"]; got != "a" {
			t.Errorf("the cluster has %v, and the newest commit says a", got)
		}
	}
	if f.Touched(t.Context(), mem) {
		t.Error("nothing moved since")
	}
}
