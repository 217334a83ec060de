package agent

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/trueup-dev/trueup/agent/web"
	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/kube"
	"github.com/trueup-dev/trueup/internal/object"
	"github.com/trueup-dev/trueup/reconcile"
)

// auditor remembers what audit events tell of the requests to clusters, and
// has applications looked at that wait for it.
type auditor struct {
	clusters *Destinations
	wake     func(app string)
	metrics  *metrics
	log      logr.Logger
	now      func() time.Time

	mu   sync.Mutex
	logs map[string]*clusterLog // by cluster
	// waits are the objects of which applications want to be told.
	waits map[string]waiting // by application
}

// clusterLog is what is remembered of one cluster.
type clusterLog struct {
	*audit.Log
	began time.Time

	// user is the name by which the cluster knows a connection.
	mu    sync.Mutex
	of    *kube.Cluster
	user  string
	asked time.Time
}

type waiting struct {
	cluster string
	refs    []audit.Ref
}

var _ reconcile.Audit = (*auditor)(nil)

// warmUp is how long events of any object are kept once a cluster begins to
// send: an agent that has just started does not know yet which are tracked.
const warmUp = 5 * time.Minute

// Writes implements reconcile.Audit.
func (a *auditor) Writes(ctx context.Context, app string, c *reconcile.Cluster, keys []object.Key) map[object.Key][]audit.Event {
	if len(keys) == 0 {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.waits, app)
		return nil
	}
	refs := make([]audit.Ref, len(keys))
	connection := a.clusters.named(c.Name)
	for i, key := range keys {
		if refs[i] = audit.RefOf(key); connection != nil {
			refs[i] = connection.Ref(key)
		}
	}
	a.mu.Lock()
	if a.waits == nil {
		a.waits = map[string]waiting{}
	}
	a.waits[app] = waiting{c.Name, refs}
	log := a.logs[c.Name]
	a.mu.Unlock()
	// What is told from here on wakes the application.
	if log == nil {
		return nil
	}
	self := log.self(ctx, connection, a.now(), a.log)
	out := map[object.Key][]audit.Event{}
	for i, key := range keys {
		if events := log.Of(refs[i], a.now()); len(events) > 0 {
			self.Mark(events)
			out[key] = events
		}
	}
	return out
}

// A cluster is asked for so long who we are, and, where it did not answer,
// again after a while.
const (
	maxAsk   = 5 * time.Second
	askAgain = 10 * time.Minute
)

// self tells our own requests. A cluster that does not say who we are leaves
// it to the names that requests bear.
func (l *clusterLog) self(ctx context.Context, c *kube.Cluster, now time.Time, log logr.Logger) audit.Self {
	if c == nil {
		return audit.Self{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != c || l.user == "" && now.Sub(l.asked) > askAgain {
		ctx, cancel := context.WithTimeout(ctx, maxAsk)
		defer cancel()
		var err error
		l.of, l.asked = c, now
		if l.user, err = c.User(ctx); err != nil {
			log.Info("requests of trueup itself are told by the names that they bear alone", "error", err.Error())
		}
	}
	if l.user == "" {
		return audit.Self{}
	}
	return audit.Self{Users: []string{l.user}}
}

// take remembers a request if it is of interest.
func (a *auditor) take(cluster string, e audit.Event) {
	now := a.now()
	log := a.logOf(cluster, now)
	apps := a.waitingFor(cluster, e)
	connection := a.clusters.named(cluster)
	result := "kept"
	switch {
	case len(apps) == 0 && now.Sub(log.began) > warmUp && (connection == nil || !connection.Tracks(e.Ref)):
		result = "untracked"
	case !log.Add(e, now):
		result = "duplicate"
	default:
		// An application may have begun to wait meanwhile: then it has not read
		// the log yet, or is among those that wait now.
		for _, app := range a.waitingFor(cluster, e) {
			a.wake(app)
		}
	}
	a.metrics.audited.WithLabelValues(cluster, result).Inc()
}

func (a *auditor) logOf(cluster string, now time.Time) *clusterLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.logs == nil {
		a.logs = map[string]*clusterLog{}
	}
	if a.logs[cluster] == nil {
		a.logs[cluster] = &clusterLog{Log: audit.NewLog(audit.DefaultLimits()), began: now}
	}
	return a.logs[cluster]
}

// waitingFor lists the applications that wait for news of an object.
func (a *auditor) waitingFor(cluster string, e audit.Event) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for app, w := range a.waits {
		if w.cluster == cluster && slices.ContainsFunc(w.refs, e.Concerns) {
			out = append(out, app)
		}
	}
	return out
}

// counted adds up what is not of interest.
func (a *auditor) counted(cluster string, n audit.Count) {
	a.metrics.audited.WithLabelValues(cluster, "other").Add(float64(n.Other))
	a.metrics.audited.WithLabelValues(cluster, "broken").Add(float64(n.Broken))
}

// handler takes audit events of those who know a token in the secrets of
// webhooks. One of a cluster's own takes the place of the one for all.
func (a *auditor) handler(secrets webhookSecrets, received func(provider, result string)) http.Handler {
	return web.Audit(web.AuditOptions{
		Tokens: func(ctx context.Context, cluster string) ([]string, error) {
			own, err := secrets.values(ctx, "audit."+cluster+".token")
			if err != nil || len(own) > 0 {
				return own, err
			}
			return secrets.values(ctx, "audit.token")
		},
		Known: a.clusters.registers, Take: a.take, Counted: a.counted, Received: received,
	})
}
