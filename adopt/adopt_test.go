package adopt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/adopt"
	"github.com/trueup-dev/trueup/adopt/patch"
	"github.com/trueup-dev/trueup/adopt/value"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/drift"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/golden"
	"github.com/trueup-dev/trueup/internal/helm"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// TestPlan: an archive holds the files of a repository, "sources" with the
// application's sources where it is not all of it, and "live" with lines
// "[GROUP/]KIND NAME PATH JSON", where JSON null is that live has nothing, and
// "KIND NAME gone".
func TestPlan(t *testing.T) {
	t.Parallel()
	schemas, err := schema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	chart := helm.New()
	renderer := render.New(map[render.Type]render.Engine{
		render.Directory: render.NewDirectory(echo{}),
		render.Kustomize: kustomize.New(kustomize.Options{Charts: chart}), render.Helm: chart,
	}, render.DefaultLimits())
	golden.Archives(t, "plan", func(t *testing.T, a *txtar.Archive) string {
		in := adopt.Input{Renderer: renderer, Schemas: schemas}
		var live string
		files := fstest.MapFS{}
		sources := []v1alpha1.ApplicationSource{{RepoURL: "https://git.example.com/shop.git", Path: "."}}
		for _, f := range a.Files {
			switch f.Name {
			case "plan":
			case "sources":
				sources = nil
				if err := yaml.UnmarshalStrict(f.Data, &sources); err != nil {
					t.Fatal(err)
				}
			case "live":
				live = string(f.Data)
			default:
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		refs := map[string]snapshot.Tree{}
		for _, s := range sources {
			tree := snapshot.Tree{FS: files}
			if s.Ref != "" {
				refs[s.Ref] = tree
			}
			in.Sources = append(in.Sources, render.Request{Tree: tree, Refs: refs, App: "shop", Namespace: "shop", Source: s})
		}
		in.Wanted = wanted(t, in, live)
		plan, err := adopt.Make(t.Context(), in)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		return told(t, plan)
	})
}

// echo takes Jsonnet for JSON, which it may be.
type echo struct{}

func (echo) Evaluate(_ context.Context, _ render.Request, programs []render.File) ([]string, error) {
	var out []string
	for _, p := range programs {
		out = append(out, string(p.Data))
	}
	return out, nil
}

// wanted makes differences of what live says, with what is rendered beside it.
func wanted(t *testing.T, in adopt.Input, live string) []adopt.Wanted {
	t.Helper()
	have := map[string]map[string]any{}
	for _, req := range in.Sources {
		if req.Source.Ref != "" && req.Source.Path == "" {
			continue
		}
		result, err := in.Renderer.Render(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range result.Objects {
			have[u.GetKind()+" "+u.GetName()], _ = value.Normal(u.Object).(map[string]any)
		}
	}
	objects := map[string]*adopt.Wanted{}
	for line := range strings.Lines(live) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, rest, _ := strings.Cut(rest, " ")
		group, short, grouped := strings.Cut(kind, "/")
		if !grouped {
			group, short = "", kind
		}
		w := objects[kind+name]
		if w == nil {
			w = &adopt.Wanted{Object: drift.Object{Group: group, Kind: short, Namespace: "shop", Name: name, State: drift.Modified}}
			objects[kind+name] = w
		}
		if rest == "gone" {
			w.Gone, w.Object.State = true, drift.Missing
			continue
		}
		where, text, _ := strings.Cut(rest, " ")
		path, err := object.ParsePath(where)
		if err != nil {
			t.Fatal(err)
		}
		f := drift.Field{Path: where, Class: drift.Declared}
		f.Desired, _, _ = value.Get(have[short+" "+name], path)
		if err := json.Unmarshal([]byte(text), &f.Live); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		w.Fields = append(w.Fields, f)
	}
	var out []adopt.Wanted
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		out = append(out, *objects[name])
	}
	return out
}

func told(t *testing.T, plan adopt.Plan) string {
	t.Helper()
	var b strings.Builder
	for _, a := range plan.Adopted {
		fmt.Fprintf(&b, "adopted: %s: %s\n", strings.TrimSpace(a.Key.Short()+" "+a.Field.Path), a.How)
	}
	for _, r := range plan.Refused {
		fmt.Fprintf(&b, "refused: %s: %s\n", strings.TrimSpace(r.Key.Short()+" "+r.Path), r.Reason)
	}
	var files []patch.File
	for _, e := range plan.Edits {
		files = append(files, patch.File{Path: e.Path, Before: e.Before, After: e.After})
	}
	if err := patch.Write(&b, files); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
