package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/api/document"
	"github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/diskcache"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
	"github.com/trueup-dev/trueup/preview/trial"
	"github.com/trueup-dev/trueup/reconcile"
)

// BenchmarkPreview measures previews of a monorepo of 1,000 applications: one
// that touches a single application, with and without results of earlier
// renderings, one that touches all, and one of five sets.
func BenchmarkPreview(b *testing.B) {
	for b.Loop() {
		benchmarkPreview(b, 1000)
	}
}

// perSet is the applications of a set.
const perSet = 20

// teamSet is a set of kustomizations, whose objects say which team they are of.
func teamSet(url string, n int, team string) string {
	var names []string
	for i := range perSet {
		names = append(names, fmt.Sprintf("{name: a%04d}", (n*perSet+i)/6*10+(n*perSet+i)%6))
	}
	return fmt.Sprintf(`apiVersion: trueup.dev/v1alpha1
kind: ApplicationSet
metadata: {name: s%d, namespace: trueup}
spec:
  generators: [{list: {elements: [%s]}}]
  template:
    metadata: {name: "s%d-{{name}}"}
    spec:
      source: {repoURL: %q, path: "apps/{{name}}", kustomize: {commonAnnotations: {team: %s}}}
      destination: {server: "https://kubernetes.default.svc", namespace: "s%d"}
`, n, strings.Join(names, ", "), n, url, team, n)
}

func benchmarkPreview(b *testing.B, n int) {
	m := newMonorepo(b, n)
	builtin, err := schema.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	open := func() snapshot.Tree {
		if _, err := m.mirrors.Poll(b.Context(), m.url); err != nil {
			b.Fatal(err)
		}
		tree, err := m.mirrors.Tree(b.Context(), snapshot.Location{RepoURL: m.url})
		if err != nil {
			b.Fatal(err)
		}
		return tree
	}
	base := open()
	m.commit("One", map[string]string{"apps/a0010/values.env": "number=changed\n"})
	one := open()
	all := map[string]string{"charts/web/templates/s.yaml": strings.ReplaceAll(service, "80", "81")}
	for i := range bases {
		all[fmt.Sprintf("bases/b%02d/service.yaml", i)] = strings.ReplaceAll(service, "80", "81")
	}
	for i := range n {
		if i%10 >= 8 {
			all[fmt.Sprintf("apps/a%04d/service.yaml", i)] = strings.ReplaceAll(service, "80", "81")
		}
	}
	m.commit("All", all)
	every := open()

	var docs document.Documents
	for _, app := range m.apps {
		docs.Applications = append(docs.Applications, *app)
	}
	sets := func(team string) snapshot.Tree {
		files := map[string]string{}
		for i := range 5 {
			files[fmt.Sprintf("sets/s%d.yaml", i)] = teamSet(m.url, i, team)
		}
		m.commit("Sets of "+team, files)
		return open()
	}
	before, after := sets("a"), sets("b")

	store := b.TempDir()
	measure := func(name string, from, to snapshot.Tree, rendered, changed int) {
		kept, err := diskcache.Open(store, diskcache.Options{})
		if err != nil {
			b.Fatal(err)
		}
		cache := render.NewCache(render.New(engines(true), render.DefaultLimits()), render.CacheOptions{Store: kept})
		t := trial.Trial{Flow: reconcile.Flow{Sources: m.mirrors, Renderer: cache, Clusters: &emptyCluster{}, Namespace: "trueup"}, Schemas: builtin, MaskKey: []byte("k")}
		t.World.Repositories = m.mirrors
		held, used, began := heap(), processorTime(b), time.Now()
		report, err := t.Run(b.Context(), trial.Change{URLs: []string{m.url}, Branch: "main", Default: true, Base: from, Merged: to, Head: to.Commit.SHA}, trial.Roots{Given: docs, Paths: []string{"."}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-"+name)
		b.ReportMetric((processorTime(b) - used).Seconds(), "cpu-s-"+name)
		b.ReportMetric(float64(heap()-held)/1e6, "MB-"+name)
		if report.Rendered != rendered || report.Changed() != changed || !report.Complete() {
			b.Fatalf("%s: %d rendered, %d changed, complete %v", name, report.Rendered, report.Changed(), report.Complete())
		}
	}
	measure("one-cold", base, one, 1, 1)
	measure("one-warm", base, one, 1, 1)
	measure("all", one, every, n, n)
	measure("sets", before, after, 5*perSet, 5*perSet)
}
