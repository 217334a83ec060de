package kustomize_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/kustomize"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// overlay is a base of n Deployments and an overlay.
func overlay(n int) render.Request {
	var docs []string
	for i := range n {
		docs = append(docs, fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web%d\nspec: {replicas: 1, template: {spec: {containers: [{name: web, image: web}]}}}\n", i))
	}
	files := fstest.MapFS{
		"base/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n")},
		"base/a.yaml":             {Data: []byte(strings.Join(docs, "---\n"))},
		"o/kustomization.yaml":    {Data: []byte("resources: [../base]\nnamePrefix: x-\nreplicas: [{name: web0, count: 3}]\n")},
	}
	return render.Request{Tree: snapshot.Tree{FS: files}, Source: v1alpha1.ApplicationSource{Path: "o"}}
}

func BenchmarkOverlay(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			engine, req := kustomize.New(kustomize.Options{}), overlay(n)
			if _, err := engine.Render(b.Context(), req); err != nil { // the schema is parsed once
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := engine.Render(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRenamed is an overlay that deletes one of 50 and renames another:
// origins take a second build.
func BenchmarkRenamed(b *testing.B) {
	engine, req := kustomize.New(kustomize.Options{}), overlay(50)
	files, _ := req.Tree.FS.(fstest.MapFS)
	files["o/kustomization.yaml"].Data = append(files["o/kustomization.yaml"].Data, `patches:
- {target: {name: web7}, patch: '{"$patch": "delete", "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}'}
- {target: {name: web8}, patch: '[{"op": "replace", "path": "/metadata/name", "value": "y"}]', options: {allowNameChange: true}}
`...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := engine.Render(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParallel(b *testing.B) {
	engine, req := kustomize.New(kustomize.Options{}), overlay(1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := engine.Render(b.Context(), req); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkCustomSchema is what an application with its own schema costs,
// alone and together with the next one.
func BenchmarkCustomSchema(b *testing.B) {
	req := overlay(1)
	files, _ := req.Tree.FS.(fstest.MapFS)
	files["o/kustomization.yaml"].Data = append(files["o/kustomization.yaml"].Data, "openapi: {path: s.json}\n"...)
	files["o/s.json"] = &fstest.MapFile{Data: []byte(`{"definitions": {}}`)}
	engine := kustomize.New(kustomize.Options{})
	for _, bench := range []struct {
		name string
		then bool
	}{{"alone", false}, {"and one after it", true}} {
		b.Run(bench.name, func(b *testing.B) {
			plain := overlay(1)
			for b.Loop() {
				if _, err := engine.Render(b.Context(), req); err != nil {
					b.Fatal(err)
				}
				if bench.then {
					if _, err := engine.Render(b.Context(), plain); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
