package kube

import (
	"context"
	"net"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestBroken: a watch is broken from the first attempt that failed to the first
// that did not, and the last failure says whether that is the kind's own trouble.
func TestBroken(t *testing.T) {
	t.Parallel()
	maps := schema.GroupResource{Resource: "configmaps"}
	cut := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}
	denied := apierrors.NewForbidden(maps, "", nil)
	for name, tc := range map[string]struct {
		attempts      []error
		broken, alone bool
		waits, gone   bool // whoever waits for the first list goes on waiting; its objects are gone
	}{
		"it works":                      {[]error{nil}, false, false, true, false},
		"the server is away":            {[]error{nil, cut}, true, false, false, false},
		"and back":                      {[]error{cut, nil}, false, false, false, false},
		"the kind is denied":            {[]error{denied}, true, true, false, false},
		"denied, then the server away":  {[]error{denied, cut}, true, false, false, false},
		"a failure of the conversion":   {[]error{apierrors.NewInternalError(context.Canceled)}, true, true, false, false},
		"a version that is too old":     {[]error{apierrors.NewResourceExpired("too old")}, false, false, true, false},
		"a kind that is not served":     {[]error{apierrors.NewNotFound(maps, "")}, false, false, false, true},
		"away, and then not served any": {[]error{cut, apierrors.NewNotFound(maps, "")}, false, false, false, true},
	} {
		gone := false
		tr := newTracker(nil, nil, func(_ string, s reconcile.Sighting) { gone = gone || s.Gone })
		w := &kindWatch{
			tracker: tr, gvr: maps.WithVersion("v1"), gvk: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"},
			synced: make(chan struct{}), refused: make(chan struct{}), known: map[string]tracked{},
		}
		tr.watches[w.gvr] = w
		m := &metav1.PartialObjectMetadata{}
		m.Namespace, m.Name, m.ResourceVersion = "shop", "a", "1"
		m.Annotations = map[string]string{object.TrackingAnnotation: object.TrackingID("web", object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"})}
		w.put(m, true)
		began := time.Now()
		for _, err := range tc.attempts {
			w.tried(t.Context(), err)
		}
		breaks := (&Cluster{tracker: tr}).Broken()
		if broken := len(breaks) == 1; broken != tc.broken || broken && (breaks[0].Alone != tc.alone || breaks[0].Since.Before(began) || breaks[0].Err == nil) {
			t.Errorf("%s: %+v", name, breaks)
		}
		waits := true
		select {
		case <-w.refused:
			waits = false
		default:
		}
		if waits != tc.waits || gone != tc.gone {
			t.Errorf("%s: waits %t, objects gone %t", name, waits, gone)
		}
		tr.close()
	}
}
