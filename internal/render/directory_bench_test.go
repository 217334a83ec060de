package render_test

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// largeDirectory is 24 MB of manifests: as people write them, and of as many short
// values as fit.
func largeDirectory(item func(i int) string) fstest.MapFS {
	const size, files = 1 << 20, 24
	out, n := fstest.MapFS{}, 0
	for f := range files {
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(item(n))
			n++
		}
		out[fmt.Sprintf("apps/%02d.yaml", f)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return out
}

func deployment(i int) string {
	var env strings.Builder
	for k := range 40 {
		fmt.Fprintf(&env, "        - name: SETTING_%02d\n          value: \"the value of %d\"\n", k, i)
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  namespace: shop
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.2.%d
        resources:
          requests: {cpu: 100m, memory: 64Mi}
        env:
%s---
`, i, i, env.String())
}

func shortValues(i int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Thing\nmetadata: {name: t-%d}\nspec:\n%s---\n", i, strings.Repeat("- ab\n", 1<<20/5))
}

// BenchmarkLargeDirectory renders 24 MB, and tells the most that the heap held
// meanwhile, above what it held before.
func BenchmarkLargeDirectory(b *testing.B) {
	for _, bc := range []struct {
		name  string
		files fstest.MapFS
	}{{"deployments", largeDirectory(deployment)}, {"short values", largeDirectory(shortValues)}} {
		b.Run(bc.name, func(b *testing.B) {
			r := render.New(nil, render.Limits{Time: time.Hour})
			req := render.Request{
				Tree: snapshot.Tree{FS: bc.files}, App: "large", Namespace: "shop",
				Source: v1alpha1.ApplicationSource{Path: "apps", Directory: &v1alpha1.ApplicationSourceDirectory{}},
			}
			b.ReportAllocs()
			var peak uint64
			for b.Loop() {
				peak = max(peak, peakOf(func() {
					result, err := r.Render(b.Context(), req)
					if err != nil {
						b.Fatal(err)
					}
					runtime.KeepAlive(result)
				}))
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
		})
	}
}

// peakOf samples the heap while something is done.
func peakOf(do func()) uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, done := read(), make(chan struct{})
	most := make(chan uint64)
	go func() {
		peak := before
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				most <- max(peak, read()) - before
				return
			case <-tick.C:
				peak = max(peak, read())
			}
		}
	}()
	do()
	close(done)
	return <-most
}
