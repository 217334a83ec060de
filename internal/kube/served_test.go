package kube_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/clustertest"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestServedKindsAreTheBuiltInOnes: what a real API server says of every kind
// that is built in is what is built in, so that an answer does not depend on
// which of both was at hand.
func TestServedKindsAreTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	config, err := clientcmd.BuildConfigFromFlags("", clustertest.Kubeconfig(t, "hub"))
	if err != nil {
		t.Fatal(err)
	}
	builtin, err := driftschema.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kube.Connect("hub", config, func(string, reconcile.Sighting) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	held, start := heap(), time.Now()
	schemas := kube.NewSchemas((*driftschema.Set)(nil).With(), cluster, &kube.Documents{})
	served := 0
	for _, gvk := range builtin.Kinds() {
		known := schemas.Kind(gvk)
		if known == nil {
			continue // an alpha version, or one that is switched off
		}
		served++
		for _, line := range differ(gvk.Kind, builtin.Kind(gvk), known, map[[2]*driftschema.Type]bool{}) {
			t.Error(line)
		}
	}
	t.Logf("%d kinds in %s, %d KiB", served, time.Since(start).Round(time.Millisecond), (heap()-held)>>10)
	if served < 50 {
		t.Errorf("only %d kinds are served", served)
	}
	runtime.KeepAlive(schemas)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // no test has that much memory
}

// differ lists where two types mean different things to a comparison.
func differ(path string, a, b *driftschema.Type, seen map[[2]*driftschema.Type]bool) []string {
	if a == nil || b == nil || seen[[2]*driftschema.Type{a, b}] {
		return nil
	}
	seen[[2]*driftschema.Type{a, b}] = true
	var out []string
	if a.Scalar != b.Scalar || a.List != b.List || !slices.Equal(a.Keys, b.Keys) || a.Whole != b.Whole {
		out = append(out, fmt.Sprintf("%s: built in %s %s %q %t, served %s %s %q %t", path, a.Scalar, a.List, a.Keys, a.Whole, b.Scalar, b.List, b.Keys, b.Whole))
	}
	out = append(out, differ(path+"[]", a.Elem, b.Elem, seen)...)
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		if b.Fields[name] == nil && name != "status" {
			out = append(out, path+"."+name+" is not served")
		}
		out = append(out, differ(path+"."+name, a.Fields[name], b.Fields[name], seen)...)
	}
	return out
}
