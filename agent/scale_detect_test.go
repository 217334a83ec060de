package agent_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// looks counts what nothing happening must not cost.
func (s scale) looks() float64 {
	return s.counted("trueup_live_reads_total") + s.counted("trueup_comparisons_total") + s.counted("trueup_renders_total")
}

// detect edits live objects of n applications that are not corrected, a few
// in each second, and returns the median and the 99th percentile of the times
// from the start of the write to when the status tells of it.
func (s scale) detect(n int) (half, most time.Duration) {
	s.b.Helper()
	ctx, stop := context.WithTimeout(s.b.Context(), 5*time.Minute)
	defer stop()
	const spacing = 100 * time.Millisecond
	written := make([]time.Time, n)
	var writing errgroup.Group
	at := map[string]int{}
	for i := range n {
		at[fmt.Sprintf("a%03d", i*(s.n/n)+1-i*(s.n/n)%2)] = i
	}
	var mu sync.Mutex
	writing.Go(func() error {
		for name, i := range at {
			cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns + "-" + name[1:], Name: "settings"}}
			mu.Lock()
			written[i] = time.Now()
			mu.Unlock()
			if err := s.client.Patch(ctx, cm, client.RawPatch(types.MergePatchType, []byte(`{"data":{"number":"by hand"}}`)), client.FieldOwner("kubectl-edit")); err != nil {
				return err
			}
			<-time.After(spacing) // a load that does not queue
		}
		return nil
	})
	took := map[int]time.Duration{}
	for len(took) < len(at) {
		events, err := s.client.Watch(ctx, &v1alpha1.ApplicationList{}, client.InNamespace(s.ns))
		s.must(err)
		for event := range events.ResultChan() {
			app, ok := event.Object.(*v1alpha1.Application)
			if !ok {
				s.b.Logf("the watch tells %s: %v", event.Type, event.Object)
				break
			}
			i, asked := at[app.Name]
			if _, done := took[i]; asked && !done && app.Status.Drift != nil && app.Status.Drift.Fields > 0 {
				mu.Lock()
				took[i] = time.Since(written[i])
				mu.Unlock()
			}
			if len(took) == len(at) {
				break
			}
		}
		events.Stop()
	}
	s.must(writing.Wait())
	all := slices.Sorted(maps.Values(took))
	return all[len(all)/2], all[len(all)*99/100]
}
