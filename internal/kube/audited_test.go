package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestTracks: requests on what is tracked are of interest, and for a while on
// what was.
func TestTracks(t *testing.T) {
	t.Parallel()
	var seen []string
	tr := newTracker(nil, nil, func(app string, s reconcile.Sighting) {
		text := app + " " + s.Key.Name + " " + s.Previous + ">" + s.Version
		if s.Gone {
			text += " gone"
		}
		if s.At.IsZero() {
			t.Errorf("%s has no time", text)
		}
		seen = append(seen, text)
	})
	defer tr.close()
	w := &kindWatch{
		tracker: tr, gvr: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, gvk: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"},
		synced: make(chan struct{}), known: map[string]tracked{},
	}
	tr.watches[w.gvr] = w
	c := &Cluster{tracker: tr}
	config := func(name, version string, tracked bool) *metav1.PartialObjectMetadata {
		m := &metav1.PartialObjectMetadata{}
		m.Namespace, m.Name, m.ResourceVersion = "shop", name, version
		if tracked {
			m.Annotations = map[string]string{object.TrackingAnnotation: object.TrackingID("web", object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name})}
		}
		return m
	}
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	do(w.Replace([]any{config("a", "1", true), config("b", "1", true), config("copy", "1", false)}, ""))
	do(w.Update(config("a", "2", true)))
	do(w.Delete(config("a", "3", true)))
	do(w.Update(config("b", "2", false))) // somebody took the annotation away
	do(w.Add(config("c", "4", true)))
	do(w.Replace([]any{config("c", "6", true)}, "")) // the watch had ended
	want := []string{"web a >1", "web b >1", "web a 1>2", "web a >3 gone", "web b 1>2", "web c >4", "web c >6", "web b > gone"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	ref := func(resource, name string) audit.Ref {
		return audit.Ref{Resource: resource, Namespace: "shop", Name: name}
	}
	for _, tc := range []struct {
		reason string
		ref    audit.Ref
		want   bool
	}{
		{"tracked", ref("configmaps", "c"), true},
		{"deleted not long ago", ref("configmaps", "a"), true},
		{"not tracked any more", ref("configmaps", "b"), true},
		{"never tracked", ref("configmaps", "copy"), false},
		{"a collection of a kind that is watched", ref("configmaps", ""), true},
		{"another kind", ref("secrets", "c"), false},
		{"a collection of another kind", ref("secrets", ""), false},
	} {
		if got := c.Tracks(tc.ref); got != tc.want {
			t.Errorf("%s: %v", tc.reason, got)
		}
	}
	w.leaves("shop/z", time.Now().Add(2*latelyAge))
	if len(w.lately) != 1 {
		t.Errorf("%d are remembered, want the last alone", len(w.lately))
	}
}
