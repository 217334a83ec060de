package agent

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trueup-dev/trueup/agent/controller"
	"github.com/trueup-dev/trueup/api/v1alpha1"
	"github.com/trueup-dev/trueup/appset/lifecycle"
)

// applicationSets tells the state of each set when it is asked, as
// applications does.
type applicationSets struct{ client.Reader }

func (applicationSets) info() *prometheus.Desc {
	return prometheus.NewDesc("trueup_applicationset_info", "1 for each application set, with its state as labels: error is whether it cannot be carried out.",
		[]string{"namespace", "name", "health", "error"}, nil)
}

func (applicationSets) owned() *prometheus.Desc {
	return prometheus.NewDesc("trueup_applicationset_applications", "Applications of a set.", []string{"namespace", "name"}, nil)
}

func (applicationSets) held() *prometheus.Desc {
	return prometheus.NewDesc("trueup_applicationset_held_deletions", "Deletions of applications of a set that wait for somebody's confirmation.",
		[]string{"namespace", "name"}, nil)
}

// Describe implements prometheus.Collector.
func (s applicationSets) Describe(out chan<- *prometheus.Desc) {
	out <- s.info()
	out <- s.owned()
	out <- s.held()
}

// Collect implements prometheus.Collector.
func (s applicationSets) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), maxCollect)
	defer cancel()
	var list v1alpha1.ApplicationSetList
	err := s.List(ctx, &list, client.UnsafeDisableDeepCopy)
	if starting := new(cache.ErrCacheNotStarted); errors.As(err, &starting) {
		return
	}
	if err != nil {
		out <- prometheus.NewInvalidMetric(s.info(), err)
		return
	}
	for i := range list.Items {
		set := &list.Items[i]
		health, failing, held := "", "false", 0.0
		if set.Status.Health != nil {
			health = set.Status.Health.Status
		}
		if apimeta.IsStatusConditionTrue(set.Status.Conditions, lifecycle.ErrorOccurred) {
			failing = "true"
		}
		if set.Status.Held != nil {
			held = float64(set.Status.Held.Count)
		}
		out <- prometheus.MustNewConstMetric(s.info(), prometheus.GaugeValue, 1, set.Namespace, set.Name, health, failing)
		out <- prometheus.MustNewConstMetric(s.owned(), prometheus.GaugeValue, float64(set.Status.ResourcesCount), set.Namespace, set.Name)
		out <- prometheus.MustNewConstMetric(s.held(), prometheus.GaugeValue, held, set.Namespace, set.Name)
	}
}

// expansions tells how often generators of sets were asked.
type expansions func() controller.Expansions

func (expansions) made() *prometheus.Desc {
	return prometheus.NewDesc("trueup_applicationset_expansions_total", "Times that an application set was expanded, by result: ok or error.",
		[]string{"result"}, nil)
}

// Describe implements prometheus.Collector.
func (e expansions) Describe(out chan<- *prometheus.Desc) { out <- e.made() }

// Collect implements prometheus.Collector.
func (e expansions) Collect(out chan<- prometheus.Metric) {
	now := e()
	out <- prometheus.MustNewConstMetric(e.made(), prometheus.CounterValue, float64(now.OK), "ok")
	out <- prometheus.MustNewConstMetric(e.made(), prometheus.CounterValue, float64(now.Failed), "error")
}
