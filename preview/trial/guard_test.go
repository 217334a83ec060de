package trial_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

const config = "https://git.example.com/config.git"

// shelf opens what a case holds: of each location the files of one folder.
type shelf map[snapshot.Location]fstest.MapFS

// Tree implements reconcile.Sources and appset.Repositories.
func (s shelf) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	files, ok := s[at]
	if !ok {
		return snapshot.Tree{}, fault.New(fault.Missing, "there is no %v", at)
	}
	return snapshot.Tree{Commit: snapshot.Commit{SHA: "1"}, FS: files}, nil
}

// everywhere is a cluster that has live objects, which fail the test when they
// are asked for.
type everywhere struct{ reconcile.Objects }

func (e everywhere) Cluster(_ context.Context, d v1alpha1.ApplicationDestination) (*reconcile.Cluster, error) {
	return &reconcile.Cluster{Name: d.Name, Objects: e, Kinds: e}, nil
}

func (everywhere) Namespaced(context.Context, schema.GroupVersionKind) (bool, error) {
	return true, nil
}

func (everywhere) Capabilities(context.Context) (render.Capabilities, error) {
	return render.NewCapabilities("1.37.0", nil), nil
}

// bell is a forge that tells when it is asked.
type bell struct {
	appset.Forges
	rang *bool
}

func (b bell) PullRequests(context.Context, string, *v1alpha1.PullRequestGenerator) ([]appset.PullRequest, error) {
	*b.rang = true
	return []appset.PullRequest{{Number: 1, Branch: "b", HeadSHA: strings.Repeat("1", 40)}}, nil
}

// trying is a trial of the files base/ and head/ of a case; those below
// other/X are of the repository X, whatever the revision is that follows "@".
func trying(files []txtar.File) (trial.Trial, trial.Change, *bool) {
	sides := map[string]fstest.MapFS{"base": {}, "head": {}}
	others := shelf{}
	for _, f := range files {
		first, rest, _ := strings.Cut(f.Name, "/")
		if first != "other" {
			sides[first][rest] = &fstest.MapFile{Data: f.Data}
			continue
		}
		name, rest, _ := strings.Cut(rest, "/")
		name, revision, _ := strings.Cut(name, "@")
		at := snapshot.Location{RepoURL: "https://git.example.com/" + name + ".git", Revision: revision}
		if others[at] == nil {
			others[at] = fstest.MapFS{}
		}
		others[at][rest] = &fstest.MapFile{Data: f.Data}
	}
	rang := false
	t := trial.Trial{
		Flow:  reconcile.Flow{Sources: others, Renderer: render.New(nil, render.DefaultLimits()), Clusters: everywhere{}, Namespace: "trueup"},
		World: appset.World{Repositories: others, Forges: bell{rang: &rang}, Now: time.Now}, MaskKey: []byte("k"),
	}
	c := trial.Change{
		URLs: []string{config}, Branch: "main", Default: true, Head: "h",
		Base: snapshot.Tree{FS: sides["base"]}, Merged: snapshot.Tree{Commit: snapshot.Commit{SHA: "h"}, FS: sides["head"]},
	}
	return t, c, &rang
}

func told(r preview.Report, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, app := range r.Apps {
		fmt.Fprintf(&b, "%s %s", app.Action, app.Name)
		for _, o := range app.Objects {
			fmt.Fprintf(&b, "; %s %s", o.Action, o.Key().Short())
		}
		if app.Problem != nil {
			fmt.Fprintf(&b, "; %s", strings.ReplaceAll(app.Problem.Message, "\n", " "))
		}
		b.WriteString("\n")
	}
	for _, f := range r.Risks {
		if f.Rule == "source-unpinned" {
			fmt.Fprintf(&b, "%s: %s %s\n", f.Severity, f.Object, f.Message)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "problem: %s\n", p.Message)
	}
	fmt.Fprintf(&b, "%d of %d rendered, complete %v\n", r.Rendered, r.Total, r.Complete())
	return b.String()
}

// TestGuard holds what an untrusted change may open: each case of testdata is
// tried as one, and as one of somebody who may push.
func TestGuard(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/guard/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tr, c, _ := trying(archive.Files)
			got := "trusted\n" + told(tr.Run(t.Context(), c, trial.Roots{Paths: []string{"."}, Strict: true}))
			tr, c, rang := trying(archive.Files)
			tr.Guard = trial.Guard{Untrusted: true, Renderer: render.New(nil, render.UntrustedLimits()), Added: 2, Bytes: 4 << 10}
			report, err := tr.Run(t.Context(), c, trial.Roots{Paths: []string{"."}, Strict: true})
			got += "\nuntrusted\n" + told(report, err)
			if *rang {
				t.Error("a forge was asked")
			}
			if err == nil && (!report.Untrusted || !slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, "may not push") })) {
				t.Errorf("the report does not say that it is limited: %v", report.Warnings)
			}
			tr, c, rang = trying(archive.Files)
			tr.Guard = trial.Guard{Closed: true, Renderer: render.New(nil, render.DefaultLimits()), Public: func(_ context.Context, at snapshot.Location) bool { return strings.Contains(at.RepoURL, "public") }}
			got += "\nclosed\n" + told(tr.Run(t.Context(), c, trial.Roots{Paths: []string{"."}, Strict: true}))
			if *rang {
				t.Error("a forge was asked")
			}
			golden.File(t, strings.TrimSuffix(name, ".txtar")+".golden", got)
		})
	}
}

// endless renders until it is stopped, and counts how many did.
type endless struct{ began, ended chan struct{} }

func (e endless) Render(ctx context.Context, _ render.Request) ([]render.Manifest, error) {
	e.began <- struct{}{}
	<-ctx.Done()
	e.ended <- struct{}{}
	return nil, ctx.Err()
}

// TestStopped: a rendering that never ends is stopped, with the trial or by its
// bound, and nothing of it goes on.
func TestStopped(t *testing.T) {
	t.Parallel()
	app := func(name string) txtar.File {
		return txtar.File{Name: "head/apps/" + name + ".yaml", Data: []byte(fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: %s}\nspec:\n"+
			"  source: {repoURL: %s, path: shop}\n  destination: {name: eu, namespace: shop}\n", name, config))}
	}
	files := []txtar.File{app("a"), app("b"), {Name: "head/shop/x.yaml", Data: []byte("kind: X\n")}}
	for _, tc := range []struct {
		name  string
		guard time.Duration
		want  error
	}{{"by who asked", time.Hour, context.Canceled}, {"by its bound", 500 * time.Millisecond, nil}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := endless{make(chan struct{}, 2), make(chan struct{}, 2)}
			tr, c, _ := trying(files)
			tr.Guard = trial.Guard{Untrusted: true, Time: tc.guard, Renderer: render.New(map[render.Type]render.Engine{render.Directory: e}, render.Limits{Time: time.Hour})}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := tr.Run(ctx, c, trial.Roots{Paths: []string{"."}})
				done <- err
			}()
			var err error
			begun, over := 0, false
			for begun < 2 && !over {
				select {
				case <-e.began:
					begun++
				case err = <-done: // a slow machine reaches the bound before both begin
					over = true
				}
			}
			if tc.want != nil {
				cancel()
			}
			if !over {
				err = <-done
			}
			begun += len(e.began)
			if tc.want != nil && !errors.Is(err, tc.want) || tc.want == nil && (fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "longer than 500ms")) {
				t.Errorf("got %v", err)
			}
			// They ended before the trial did.
			if len(e.ended) != begun {
				t.Errorf("%d of %d renderings ended", len(e.ended), begun)
			}
		})
	}
}
