package agent

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

// reachability has the applications of a cluster looked at when its watches
// have been broken for too long, and again when they work; when it was
// connected to anew, and when nobody registers it any more.
type reachability struct {
	destinations *Destinations
	// wake looks at the applications of a cluster.
	wake func(ctx context.Context, name, server string) error
	log  logr.Logger
}

// Start implements manager.Runnable.
func (r reachability) Start(ctx context.Context) error {
	const parts = 20
	interval := r.destinations.Patience / parts
	if interval <= 0 {
		interval = time.Minute
	}
	ticker := time.NewTicker(min(interval, time.Minute))
	defer ticker.Stop()
	known := map[string]reach{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.look(ctx, known)
		}
	}
}

// look compares what is so with what was.
func (r reachability) look(ctx context.Context, known map[string]reach) {
	r.part(ctx, known)
	for _, c := range r.destinations.connections() {
		was, is := known[c.ports.Server], c.objects.reach(time.Now())
		is.replaced = c.replaced
		log := r.log.WithValues("cluster", c.ports.Name)
		if text := was.turns(is); text != "" {
			log.Info(text, "since", cmp.Or(is.since, was.since), "error", fmt.Sprint(is.cause), "refused", is.refused)
			if err := r.wake(ctx, c.ports.Name, c.ports.Server); err != nil {
				log.Error(err, "list the applications of a cluster")
				continue // they are woken at the next tick
			}
		}
		known[c.ports.Server] = is
	}
}

// part closes the connections to clusters that are not registered any more.
func (r reachability) part(ctx context.Context, known map[string]reach) {
	gone, err := r.destinations.unregistered(ctx)
	if err != nil {
		r.log.Error(err, "find the clusters that are not registered any more")
	}
	for _, c := range gone {
		log := r.log.WithValues("cluster", c.ports.Name)
		log.Info("the cluster is not registered any more: the connection to it is closed", "server", c.ports.Server)
		if err := r.wake(ctx, c.ports.Name, c.ports.Server); err != nil {
			log.Error(err, "list the applications of a cluster")
			continue // it is closed, and they are woken, at the next tick
		}
		r.destinations.leave(c)
		delete(known, c.ports.Server)
	}
}

// turns says what has changed for the applications of a cluster, empty where
// nothing has.
func (was reach) turns(is reach) string {
	switch {
	case is.overdue && !was.overdue:
		return "the cluster is unreachable: what is known of it counts no more"
	case was.overdue && !is.overdue, is.since.IsZero() && !was.since.IsZero():
		return "the cluster can be watched again"
	case is.refused != was.refused:
		return "the kinds that the cluster does not let be watched are others now"
	case is.replaced != was.replaced:
		return "the cluster is connected to anew: its objects are read again"
	}
	return ""
}

// unreachable tells for how long clusters cannot be watched, when it is asked.
type unreachable struct{ destinations *Destinations }

func (unreachable) desc() *prometheus.Desc {
	return prometheus.NewDesc("trueup_cluster_unreachable_seconds", "For how long a cluster has not told what happens in it; 0 while it does.", []string{"cluster"}, nil)
}

// Describe implements prometheus.Collector.
func (u unreachable) Describe(out chan<- *prometheus.Desc) { out <- u.desc() }

// Collect implements prometheus.Collector.
func (u unreachable) Collect(out chan<- prometheus.Metric) {
	now, told := time.Now(), map[string]bool{}
	for _, c := range u.destinations.connections() {
		if told[c.ports.Name] {
			continue // two servers may be registered by one name
		}
		told[c.ports.Name] = true
		age := 0.0
		if at := c.objects.reach(now); !at.since.IsZero() {
			age = max(0, now.Sub(at.since).Seconds())
		}
		out <- prometheus.MustNewConstMetric(u.desc(), prometheus.GaugeValue, age, c.ports.Name)
	}
}
