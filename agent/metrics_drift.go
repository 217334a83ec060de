package agent

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/reconcile"
)

// driftTimes measures how long drift goes unseen, and how long it lasts.
type driftTimes struct {
	detect  prometheus.Histogram
	correct *prometheus.HistogramVec
}

func newDriftTimes() driftTimes {
	return driftTimes{
		detect: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trueup_drift_detect_seconds", Help: "From the time that managed fields tell of a change, which is in whole seconds and the cluster's, to when it was found.",
			Buckets: prometheus.ExponentialBuckets(0.25, 3, 12),
		}),
		correct: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trueup_drift_correct_seconds", Help: "From when drift was found to when it was gone, by how it went: synced, reverted, accepted, expected, git, undone, deleted.",
			Buckets: prometheus.ExponentialBuckets(0.25, 4, 12),
		}, []string{"how"}),
	}
}

// observe takes in one moment. Clocks that are apart give no negative times.
func (t driftTimes) observe(e reconcile.DriftEvent) {
	switch {
	case e.Moment == reconcile.Opened && e.Field != nil && e.Field.Time != nil:
		t.detect.Observe(max(0, e.At.Sub(*e.Field.Time).Seconds()))
	case e.Moment == reconcile.Closed && !e.FoundAt.IsZero():
		t.correct.WithLabelValues(e.How).Observe(max(0, e.At.Sub(e.FoundAt).Seconds()))
	}
}

// openDrift tells the drift that is open when it is asked, so that an
// application that is deleted leaves nothing behind.
type openDrift struct{ client.Reader }

func (openDrift) open() *prometheus.Desc {
	return prometheus.NewDesc("trueup_drift_open", "Differences of an application that are open: fields, and objects that are gone.", []string{"namespace", "name"}, nil)
}

func (openDrift) age() *prometheus.Desc {
	return prometheus.NewDesc("trueup_drift_oldest_age_seconds", "Age of an application's oldest open difference, from when it was made, or found where nobody knows that; 0 without drift.",
		[]string{"namespace", "name"}, nil)
}

func (openDrift) fights() *prometheus.Desc {
	return prometheus.NewDesc("trueup_drift_fights", "Differences of an application that keep coming back, and that are not corrected for a while.", []string{"namespace", "name"}, nil)
}

// Describe implements prometheus.Collector.
func (o openDrift) Describe(out chan<- *prometheus.Desc) {
	out <- o.fights()
	out <- o.open()
	out <- o.age()
}

// Collect implements prometheus.Collector.
func (o openDrift) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), maxCollect)
	defer cancel()
	var list v1alpha1.ApplicationList
	err := o.List(ctx, &list, client.UnsafeDisableDeepCopy)
	if starting := new(cache.ErrCacheNotStarted); errors.As(err, &starting) {
		return
	}
	if err != nil {
		out <- prometheus.NewInvalidMetric(o.open(), err)
		return
	}
	now := time.Now()
	for i := range list.Items {
		app := &list.Items[i]
		n, oldest := openOf(app.Status.Drift)
		age := 0.0
		if !oldest.IsZero() {
			age = max(0, now.Sub(oldest).Seconds())
		}
		out <- prometheus.MustNewConstMetric(o.open(), prometheus.GaugeValue, float64(n), app.Namespace, app.Name)
		fights := 0
		if app.Status.Drift != nil {
			fights = len(app.Status.Drift.Fights)
		}
		out <- prometheus.MustNewConstMetric(o.fights(), prometheus.GaugeValue, float64(fights), app.Namespace, app.Name)
		out <- prometheus.MustNewConstMetric(o.age(), prometheus.GaugeValue, age, app.Namespace, app.Name)
	}
}

// openOf counts what is open, and tells when the oldest was made; zero where
// nobody knows.
func openOf(d *v1alpha1.DriftSummary) (n int, oldest time.Time) {
	if d == nil {
		return 0, time.Time{}
	}
	n = d.Fields
	for _, c := range d.Changes {
		if c.Path == "" {
			n++
		}
		at := c.Time
		if at == nil {
			at = c.FoundAt
		}
		if at != nil && (oldest.IsZero() || at.Time.Before(oldest)) {
			oldest = at.Time
		}
	}
	return n, oldest
}
