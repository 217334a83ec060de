package appset_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// fakeWorld answers from the sections of a txtar file:
//
//	set                     the ApplicationSet
//	clusters                a list of clusters; without it only the local one
//	decisions               what decision objects say: matchKey, undecided, items; or an error's text
//	plugin                  what the plugin answers, a list; or an error's text
//	forge                   what forges hold: see fakeForge
//	repo URL path           a file of a repository
//	any other name          a file of every repository that has none of its own
//	show                    what to print besides applications: answers, explained, literals
type fakeWorld struct {
	clusters clusters
	repos    map[string]fstest.MapFS
	files    fstest.MapFS
	forge    *fakeForge

	decisions, plugin []byte
}

type clusters []appset.Cluster

func (c clusters) Clusters(context.Context) ([]appset.Cluster, error) { return c, nil }

// Tree implements appset.Repositories. The revision "missing" is not there.
func (w *fakeWorld) Tree(_ context.Context, at snapshot.Location) (snapshot.Tree, error) {
	if at.Revision == "missing" {
		return snapshot.Tree{}, fault.New(fault.Missing, "%s has no revision %s", at.RepoURL, at.Revision)
	}
	if own, ok := w.repos[at.RepoURL]; ok {
		return snapshot.Tree{FS: own}, nil
	}
	return snapshot.Tree{FS: w.files}, nil
}

// expand runs a case.
func expand(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	var set v1alpha1.ApplicationSet
	world := &fakeWorld{repos: map[string]fstest.MapFS{}, files: fstest.MapFS{}}
	show := ""
	for _, f := range a.Files {
		var err error
		repo, isRepo := strings.CutPrefix(f.Name, "repo ")
		switch {
		case f.Name == "set":
			err = yaml.UnmarshalStrict(f.Data, &set)
		case f.Name == "clusters":
			err = yaml.UnmarshalStrict(f.Data, &world.clusters)
		case f.Name == "decisions":
			world.decisions = f.Data
		case f.Name == "plugin":
			world.plugin = f.Data
		case f.Name == "forge":
			world.forge = &fakeForge{}
			err = yaml.UnmarshalStrict(f.Data, world.forge)
		case f.Name == "show":
			show = string(f.Data)
		case f.Name == "want":
		case isRepo:
			url, name, _ := strings.Cut(repo, " ")
			if world.repos[url] == nil {
				world.repos[url] = fstest.MapFS{}
			}
			world.repos[url][name] = &fstest.MapFile{Data: f.Data}
		default:
			world.files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	asked := appset.World{Clusters: world.clusters, Repositories: world, Decisions: world, Plugins: world, Literals: strings.Contains(show, "literals")}
	if world.forge != nil {
		asked.Forges, asked.States, asked.Now = world.forge, world.forge, world.forge.now
	}
	result, err := appset.Generate(t.Context(), &set, asked)
	if err != nil {
		return fmt.Sprintf("error of kind %s: %v\n", fault.Of(err), err)
	}
	return printed(t, result, show)
}

func printed(t *testing.T, result appset.Result, show string) string {
	t.Helper()
	var docs []string
	add := func(value any) {
		data, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(data))
	}
	for _, app := range result.Applications {
		// The kind and the status are the same for all.
		add(map[string]any{"metadata": app.ObjectMeta, "spec": app.Spec})
	}
	for _, r := range result.Rejected {
		docs = append(docs, fmt.Sprintf("# rejected %q of %s: %v\n", r.Name, r.Generator, r.Err))
	}
	for _, w := range result.Warnings {
		docs = append(docs, "# warning: "+w+"\n")
	}
	if strings.Contains(show, "answers") {
		add(map[string]any{"answers": result.Answers})
	}
	if strings.Contains(show, "explained") || strings.Contains(show, "literals") {
		add(map[string]any{"explained": result.Explained})
	}
	return strings.Join(docs, "---\n")
}
