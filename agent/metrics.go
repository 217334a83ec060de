package agent

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/internal/render"
	"github.com/trueup-dev/trueup/internal/scm/rest"
	"github.com/trueup-dev/trueup/reconcile"
)

// metrics are the agent's own, beside those of controller-runtime.
type metrics struct {
	syncs       *prometheus.CounterVec
	syncSeconds prometheus.Histogram
	drifts      *prometheus.CounterVec
	times       driftTimes
	dryRuns     *prometheus.CounterVec
	costs       costs
	polls       *prometheus.CounterVec
	pollSeconds prometheus.Histogram
	webhooks    *prometheus.CounterVec
	audited     *prometheus.CounterVec
	forges      *prometheus.CounterVec
	forgeLimit  *prometheus.GaugeVec
}

func newMetrics() *metrics {
	return &metrics{
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_syncs_total", Help: "Syncs that ended, by phase, and by whether somebody asked for them.",
		}, []string{"phase", "automated"}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trueup_sync_duration_seconds", Help: "How long a sync writes to its cluster, without waiting for health.",
			Buckets: prometheus.ExponentialBuckets(0.01, 3, 9),
		}),
		drifts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_drift_events_total", Help: "Differences between Git and a cluster by event: appeared, changed, cleared, blamed (who made it became known).",
		}, []string{"event"}),
		times: newDriftTimes(),
		dryRuns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_dry_runs_total", Help: "Dry runs that ask a cluster what a sync would change, by result: ok, failed, unsafe (not asked: webhooks may have side effects), limited.",
		}, []string{"result"}),
		costs: newCosts(),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_git_polls_total", Help: "Queries of a repository's refs, with the fetch that follows a change, by result: ok or error.",
		}, []string{"result"}),
		pollSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "trueup_git_poll_duration_seconds", Help: "How long a repository takes to answer.",
			Buckets: prometheus.ExponentialBuckets(0.01, 3, 9),
		}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_webhooks_total", Help: "Requests of forges, and of API servers with audit events (audit), by provider, and by what became of them: accepted, ignored, unauthorized, unknown, malformed, too_large, busy, failed.",
		}, []string{"provider", "result"}),
		audited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_audit_events_total", Help: "Audit events by cluster, and by what became of them: kept, duplicate, untracked (of other objects), other (no write that succeeded), broken.",
		}, []string{"cluster", "result"}),
		forges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trueup_scm_requests_total", Help: "Requests to forges for ApplicationSets, by forge, and by result: ok, unchanged, missing, denied, limited, invalid, failed.",
		}, []string{"forge", "result"}),
		forgeLimit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trueup_scm_rate_limit_remaining", Help: "Requests that a forge still answers until its rate limit is set back: the least that any credential has left.",
		}, []string{"host"}),
	}
}

func (m *metrics) synced(run reconcile.Run) {
	m.syncs.WithLabelValues(run.Phase, strconv.FormatBool(run.Initiator.Automated)).Inc()
	m.syncSeconds.Observe(run.Finished.Sub(run.Started).Seconds())
}

func (m *metrics) drifted(e reconcile.DriftEvent) {
	word := map[reconcile.Moment]string{reconcile.Opened: "appeared", reconcile.Changed: "changed", reconcile.Closed: "cleared", reconcile.Blamed: "blamed"}[e.Moment]
	m.drifts.WithLabelValues(word).Inc()
	m.times.observe(e)
}

func (m *metrics) tried(result string) { m.dryRuns.WithLabelValues(result).Inc() }

func (m *metrics) polled(took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.polls.WithLabelValues(result).Inc()
	m.pollSeconds.Observe(took.Seconds())
}

// asked counts a request to a forge. Hosts come from sets, which only few may
// write.
func (m *metrics) asked(o rest.Observation) {
	m.forges.WithLabelValues(o.Forge, o.Result).Inc()
	if o.Remaining < 0 {
		m.forgeLimit.DeleteLabelValues(o.Host)
		return
	}
	m.forgeLimit.WithLabelValues(o.Host).Set(o.Remaining)
}

func (m *metrics) received(provider, result string) {
	m.webhooks.WithLabelValues(provider, result).Inc()
}

// register adds all to a registry; what it returns takes them away again.
func (m *metrics) register(to prometheus.Registerer, apps client.Reader, more ...prometheus.Collector) (forget func(), err error) {
	if to == nil {
		return func() {}, nil
	}
	all := []prometheus.Collector{
		m.syncs, m.syncSeconds, m.drifts, m.times.detect, m.times.correct, m.dryRuns, openDrift{apps}, m.polls, m.pollSeconds, m.webhooks, m.audited, m.forges, m.forgeLimit,
		m.costs.reads, m.costs.comparisons, m.costs.requests, applications{apps}, applicationSets{apps}, verifiedAges{apps},
	}
	all = append(all, more...)
	var errs []error
	for _, c := range all {
		errs = append(errs, to.Register(c))
	}
	return func() {
		for _, c := range all {
			to.Unregister(c)
		}
	}, errors.Join(errs...)
}

// renders tells what the render cache counts.
type renders func() render.Stats

func (renders) made() *prometheus.Desc {
	return prometheus.NewDesc("trueup_renders_total", "Renderings that ran, by the reason: first, options, files, cluster, lookup, elsewhere, keys, time, corrupt.", []string{"reason"}, nil)
}

func (renders) reused() *prometheus.Desc {
	return prometheus.NewDesc("trueup_render_reuses_total", "Renderings that were not needed, because nothing that they asked had changed, by where they were kept.", []string{"from"}, nil)
}

func (renders) held() *prometheus.Desc {
	return prometheus.NewDesc("trueup_render_cache_bytes", "Rendered objects and read-sets in memory.", nil, nil)
}

// Describe implements prometheus.Collector.
func (r renders) Describe(out chan<- *prometheus.Desc) {
	out <- r.made()
	out <- r.reused()
	out <- r.held()
}

// Collect implements prometheus.Collector.
func (r renders) Collect(out chan<- prometheus.Metric) {
	stats := r()
	for _, why := range []render.Why{render.First, render.Options, render.Files, render.Cluster, render.Lookup, render.Elsewhere, render.Keys, render.Time, render.Corrupt} {
		out <- prometheus.MustNewConstMetric(r.made(), prometheus.CounterValue, float64(stats.Renders[why]), string(why))
	}
	out <- prometheus.MustNewConstMetric(r.reused(), prometheus.CounterValue, float64(stats.Memory), "memory")
	out <- prometheus.MustNewConstMetric(r.reused(), prometheus.CounterValue, float64(stats.Disk), "disk")
	out <- prometheus.MustNewConstMetric(r.held(), prometheus.GaugeValue, float64(stats.Held))
}

// applications tells the state of each application when it is asked, so that
// one that is deleted leaves nothing behind.
type applications struct{ client.Reader }

// maxCollect bounds a scrape.
const maxCollect = 10 * time.Second

func (applications) info() *prometheus.Desc {
	return prometheus.NewDesc("trueup_application_info", "1 for each application, with its state as labels.",
		[]string{"namespace", "name", "project", "sync", "health"}, nil)
}

func (applications) drift() *prometheus.Desc {
	return prometheus.NewDesc("trueup_application_drift_objects", "Objects of an application that differ from Git by somebody else's hand.",
		[]string{"namespace", "name"}, nil)
}

func (applications) rules() *prometheus.Desc {
	return prometheus.NewDesc("trueup_ignore_rule_fields", "Differences that a rule of users explains; 0 for a rule of the application that explains nothing.",
		[]string{"namespace", "name", "rule"}, nil)
}

// Describe implements prometheus.Collector.
func (a applications) Describe(out chan<- *prometheus.Desc) {
	out <- a.info()
	out <- a.drift()
	out <- a.rules()
}

// Collect implements prometheus.Collector.
func (a applications) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), maxCollect)
	defer cancel()
	var list v1alpha1.ApplicationList
	err := a.List(ctx, &list, client.UnsafeDisableDeepCopy)
	if starting := new(cache.ErrCacheNotStarted); errors.As(err, &starting) {
		return
	}
	if err != nil {
		out <- prometheus.NewInvalidMetric(a.info(), err)
		return
	}
	for i := range list.Items {
		app := &list.Items[i]
		out <- prometheus.MustNewConstMetric(a.info(), prometheus.GaugeValue, 1,
			app.Namespace, app.Name, app.Spec.Project, string(app.Status.Sync.Status), app.Status.Health.Status)
		objects := 0
		if app.Status.Drift != nil {
			objects = app.Status.Drift.Objects
			for _, r := range app.Status.Drift.Rules {
				out <- prometheus.MustNewConstMetric(a.rules(), prometheus.GaugeValue, float64(r.Fields), app.Namespace, app.Name, r.Name)
			}
		}
		out <- prometheus.MustNewConstMetric(a.drift(), prometheus.GaugeValue, float64(objects), app.Namespace, app.Name)
	}
}
