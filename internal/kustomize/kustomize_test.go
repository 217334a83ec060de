package kustomize_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// shelf opens trees by "URL@REVISION", and charts by "URL#CHART@VERSION".
type shelf map[string]fstest.MapFS

func (s shelf) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	name := at.RepoURL
	if at.Chart != "" {
		name += "#" + at.Chart
	}
	if at.Revision != "" {
		name += "@" + at.Revision
	}
	files, ok := s[name]
	if !ok {
		return snapshot.Tree{}, fault.New(fault.Missing, "there is no %s", name)
	}
	return snapshot.Tree{FS: files}, nil
}

// archive is a case: the files of a repository, "source" with the
// application's source, and files of other trees as "TREE :: PATH". "alone"
// forbids other trees, "charts" turns helmCharts on.
func archive(t *testing.T, a *txtar.Archive) (render.Request, *kustomize.Engine) {
	t.Helper()
	files, more := fstest.MapFS{}, shelf{}
	req := render.Request{App: "shop", Namespace: "shop", More: more, Capabilities: render.NewCapabilities("1.37.2", nil)}
	req.Tree = snapshot.Tree{FS: files, Commit: snapshot.Commit{SHA: strings.Repeat("c0ffee12", 5)}}
	var options kustomize.Options
	for _, f := range a.Files {
		tree, name, other := strings.Cut(f.Name, " :: ")
		switch {
		case f.Name == "source":
			if err := yaml.UnmarshalStrict(f.Data, &req.Source); err != nil {
				t.Fatal(err)
			}
		case f.Name == "charts":
			options.Charts = helm.New()
		case f.Name == "alone":
			req.More = nil
		case f.Name == "want":
		case other:
			if more[tree] == nil {
				more[tree] = fstest.MapFS{}
			}
			more[tree][name] = &fstest.MapFile{Data: f.Data}
		default:
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return req, kustomize.New(options)
}

func run(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	req, engine := archive(t, a)
	r := render.New(map[render.Type]render.Engine{render.Kustomize: engine}, render.DefaultLimits())
	result, err := r.Render(t.Context(), req)
	out := ""
	for _, w := range result.Warnings {
		out += "warning: " + w + "\n"
	}
	if err != nil {
		return out + fmt.Sprintf("%s error: %v\n", fault.Of(err), err)
	}
	var docs []string
	for _, u := range result.Objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			t.Fatal(err)
		}
		origin := result.Origins[object.KeyOf(u)]
		from := origin.String()
		if origin.Tree != nil {
			from = strings.TrimSuffix(fmt.Sprintf("%s %s@%s", origin.Tree.RepoURL, origin.Tree.Chart, origin.Tree.Revision), "@") + " " + from
		}
		docs = append(docs, "# "+from+"\n"+string(data))
	}
	return out + strings.Join(docs, "---\n")
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden.Archives(t, "want", run)
}

// TestManyAtOnce builds every case beside every other one, for the race
// detector and for schemas that leak. Each gives what it gives alone.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, name := range []string{"overlay", "openapi", "merge-builtin", "crds", "components", "openapi-broken", "merge-custom", "replacements", "origins", "origins-deleted"} {
		a, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		want := a.Files[len(a.Files)-1]
		if !slices.Contains([]string{"want"}, want.Name) {
			t.Fatalf("%s ends with %s", name, want.Name)
		}
		all.Go(func() {
			for range 10 {
				if got := run(t, a); got != string(want.Data) {
					t.Errorf("%s beside others: got %s", name, got)
				}
			}
		})
	}
	all.Wait()
}
