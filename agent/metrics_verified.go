package agent

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset"
	"github.com/trueup-dev/trueup/reconcile/limits"
)

// verifiedAges tells when everything was last read and compared, of the
// application in a cluster and a project that waits longest: one series for
// each application would say no more to an alert.
type verifiedAges struct{ client.Reader }

func (verifiedAges) desc() *prometheus.Desc {
	return prometheus.NewDesc("trueup_drift_verified_age_seconds",
		"Since when everything was last read and compared: the longest time of any application of a project in a cluster.", []string{"cluster", "project"}, nil)
}

// Describe implements prometheus.Collector.
func (v verifiedAges) Describe(out chan<- *prometheus.Desc) { out <- v.desc() }

// Collect implements prometheus.Collector.
func (v verifiedAges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), maxCollect)
	defer cancel()
	var list v1alpha1.ApplicationList
	err := v.List(ctx, &list, client.UnsafeDisableDeepCopy)
	if starting := new(cache.ErrCacheNotStarted); errors.As(err, &starting) {
		return
	}
	if err != nil {
		out <- prometheus.NewInvalidMetric(v.desc(), err)
		return
	}
	for at, age := range agesOf(list.Items, time.Now()) {
		out <- prometheus.MustNewConstMetric(v.desc(), prometheus.GaugeValue, age.Seconds(), at.cluster, at.project)
	}
}

type clusterProject struct{ cluster, project string }

// agesOf is the longest time for each cluster and project. An application that
// was never verified counts from its creation; clocks that are apart give no
// negative times.
func agesOf(apps []v1alpha1.Application, now time.Time) map[clusterProject]time.Duration {
	out := map[clusterProject]time.Duration{}
	for i := range apps {
		app := &apps[i]
		verified := app.CreationTimestamp.Time
		if d := app.Status.Drift; d != nil && d.VerifiedAt != nil {
			verified = d.VerifiedAt.Time
		}
		at := clusterProject{clusterOf(app.Spec.Destination), limits.NameOf(app)}
		out[at] = max(out[at], now.Sub(verified), 0)
	}
	return out
}

// clusterOf is what a destination calls its cluster.
func clusterOf(d v1alpha1.ApplicationDestination) string {
	switch {
	case d.Name != "":
		return d.Name
	case d.Server == appset.LocalServer:
		return appset.LocalName
	}
	return d.Server
}
