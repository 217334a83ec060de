package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// TestAuditorTake: what is kept of events, and who is woken by them.
func TestAuditorTake(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	var woken []string
	a := &auditor{clusters: &Destinations{}, wake: func(app string) { woken = append(woken, app) }, metrics: newMetrics(), log: logr.Discard(), now: func() time.Time { return now }}
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	api := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "api"}
	n := 0
	event := func(key object.Key) audit.Event {
		n++
		return audit.Event{Ref: audit.RefOf(key), Verb: "patch", User: fmt.Sprint("user ", n), Manager: "kubectl", Received: now, Done: now.Add(time.Duration(n))}
	}
	edge, hub := &reconcile.Cluster{Name: "edge"}, &reconcile.Cluster{Name: "hub"}
	first := event(web)
	a.take("edge", first) // the agent does not know yet what it tracks
	a.take("edge", first)
	if got := a.Writes(t.Context(), "shop", edge, []object.Key{web, api}); len(got) != 1 || len(got[web]) != 1 {
		t.Errorf("it is told %v", got)
	}
	if got := a.Writes(t.Context(), "twin", hub, []object.Key{web}); len(got) != 0 {
		t.Errorf("another cluster's application is told %v", got)
	}
	now = now.Add(2 * warmUp)
	a.take("edge", event(web)) // is waited for, though not tracked any more
	a.take("edge", event(object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "other"}))
	all := event(web)
	all.Name, all.Verb = "", "deletecollection"
	a.take("edge", all)
	a.Writes(t.Context(), "shop", edge, nil)
	a.take("edge", event(web))
	if fmt.Sprint(woken) != "[shop shop]" {
		t.Errorf("woken: %v", woken)
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(a.metrics.audited); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		got[m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
	}
	if diff := cmp.Diff(map[string]float64{"kept": 3, "duplicate": 1, "untracked": 2}, got); diff != "" {
		t.Error(diff)
	}
}
