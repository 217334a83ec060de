package drift

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// BenchmarkCompare compares what applications consist of, as a real API server
// stored it with all its defaults: workloads, services, configuration, access
// rules. In one run nothing differs, in the other one object in ten does.
func BenchmarkCompare(b *testing.B) {
	for _, edited := range []bool{false, true} {
		b.Run(map[bool]string{false: "in-sync", true: "tenth-drifted"}[edited], func(b *testing.B) {
			in := mix(b, 3)
			if edited {
				for i := 0; i < len(in.Live); i += 10 {
					in.Live[i].SetLabels(map[string]string{"edited": "by hand"})
				}
			}
			for _, o := range Compare(in).Objects {
				if !edited && o.State != InSync {
					b.Fatalf("%s is %s: %+v", o.Key(), o.State, o.Fields)
				}
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b.ReportAllocs()
			objects := 0
			for b.Loop() {
				objects += len(Compare(in).Objects)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(objects)/b.Elapsed().Seconds(), "objects/s")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(objects), "allocs/object")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(objects), "B/object")
		})
	}
}

// mix is every object of testdata/insync, several times under other names.
func mix(t testing.TB, times int) Input {
	t.Helper()
	in := Input{Schemas: builtin(t)}
	for _, name := range archives(t, "insync/*.txtar") {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range times {
			in.Desired = append(in.Desired, renamed(objects(t, archive, "desired.yaml"), i)...)
			in.Live = append(in.Live, renamed(objects(t, archive, "live.yaml"), i)...)
		}
	}
	return in
}

func renamed(all []*unstructured.Unstructured, i int) []*unstructured.Unstructured {
	for _, u := range all {
		u.SetName(fmt.Sprintf("%s-%d", u.GetName(), i))
	}
	return all
}
